export interface CallOptions { signal?: AbortSignal }
