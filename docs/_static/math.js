// Sphinx marks formulas as <span> and <div class="math">; KaTeX, which comes with the site, sets them.
for (const element of document.querySelectorAll("span.math, div.math")) {
  const tex = element.textContent.trim();
  const displayMode = tex.startsWith("\\[");
  katex.render(tex.slice(2, -2), element, { displayMode, throwOnError: false, errorColor: "#b8560b" });
}
