interface ImportMetaEnv {
  /** The origin of the API, where that is not the page's own. */
  readonly VITE_API_URL?: string
  /** The tenant that the page works in, where there is one. */
  readonly VITE_TENANT_ID?: string
}
