/** The page of the API reference. Its addresses are relative, so that it also works below a prefix of a proxy. */
export const referencePage = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}: API reference</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<noscript>This page needs JavaScript. The document it shows is at <a href="openapi.json">openapi.json</a>.</noscript>
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`

/**
 * Starts the viewer. A file, since the page allows no script inside it. Tokens live as long as the page, and no
 * validator of another origin is asked.
 */
export const startScript = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  displayOperationId: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
})
`

/** Stands in for the page where the viewer is not installed. */
export const viewerMissingPage = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escaped(title)}: API reference</title>
</head>
<body>
<h1>${escaped(title)}</h1>
<p>The viewer of the API reference is not installed. <code>npm install swagger-ui-dist</code> adds it.</p>
<p>The document itself is at <a href="openapi.json">openapi.json</a>.</p>
</body>
</html>
`

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
