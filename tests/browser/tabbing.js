// What the Tab key comes to: `ccTabs.begin()`, then keys, then `ccTabs.report()`.
(() => {
  const CONTROLS = "button, a[href], input, select, textarea, summary, [tabindex], [role=slider], [role=button], [role=tab]";
  const GROUPS = "[role=radiogroup], [role=tablist], [role=toolbar], [role=grid], [role=listbox], [data-baseweb=button-group]";
  const seen = [];
  let there, keys = 0;
  const parent = (e) => e.parentElement ?? e.getRootNode().host ?? null;
  const everything = (root) => [...root.querySelectorAll("*")].flatMap((e) => [e, ...(e.shadowRoot ? everything(e.shadowRoot) : [])]);
  const visible = (e) => {
    if (e.closest("[inert], [hidden], [aria-hidden=true]") || e.disabled) return false;
    // what is seen of a small or transparent input is its label
    const box = e.getBoundingClientRect();
    return e.checkVisibility({ visibilityProperty: true }) && box.width > 1 && box.height > 1;
  };
  const name = (e) => {
    const words = e.getAttribute("aria-label") || e.textContent || e.value || e.getAttribute("title") || "";
    return `${e.getAttribute("role") ?? e.tagName.toLowerCase()} ${words.trim().replace(/\s+/g, " ").slice(0, 50)}`;
  };
  const ring = (e) => {
    const near = [e];
    for (let up = parent(e), k = 0; up && k < 7; up = parent(up), k++) near.push(up);
    near.push(...[...e.querySelectorAll("*")].slice(0, 12));
    const said = (s) => [s.outlineStyle === "none" ? "" : `${s.outlineWidth} ${s.outlineColor}`, s.boxShadow, s.borderColor, s.stroke];
    return near.map((n) => [...said(getComputedStyle(n)), ...said(getComputedStyle(n, "::after")), ...said(getComputedStyle(n, "::before"))].join());
  };
  const begin = () => {
    const style = document.createElement("style");
    style.textContent = "* { transition: none !important; animation: none !important }";
    document.head.append(style);
    document.activeElement?.blur();
    getSelection().removeAllRanges();
    const note = (event) => {
      const e = event.composedPath()[0], box = e.getBoundingClientRect();
      if (seen.at(-1)?.e === e) return;
      const main = document.querySelector("[data-testid=stMain]");
      const top = main?.contains(event.target) || e.getRootNode() !== document ? box.top + main.scrollTop : box.top;
      // on its way out of a group of radio buttons the focus is at its last one for a moment
      if (seen.at(-1)?.key === keys) seen.pop();
      seen.push({ e, key: keys, ring: ring(e), left: box.left, right: box.right, top, bottom: top + box.height });
    };
    // from one control to the next inside a component nothing is told outside of it
    const roots = everything(document).flatMap((e) => e.shadowRoot ?? []);
    for (const root of [document, ...roots]) root.addEventListener("focusin", note, true);
    // as it looks when the next key comes: some mark it by a script
    document.addEventListener("keydown", () => {
      keys += 1;
      if (seen.at(-1)?.e.matches(":focus")) seen.at(-1).ring = ring(seen.at(-1).e);
    }, true);
    there = new Set(everything(document));
  };
  const over = () => seen.length > 1 && seen.at(-1).e === seen[0].e;
  const report = () => {
    document.activeElement?.blur();
    for (let e = document.activeElement; e?.shadowRoot?.activeElement; e = e.shadowRoot.activeElement) e.shadowRoot.activeElement.blur();
    const reached = new Set(seen.map((s) => s.e)), grouped = new Set([...reached].map((e) => e.closest(GROUPS)).filter(Boolean));
    const all = everything(document).filter((e) => there.has(e) && e.matches(CONTROLS) && visible(e) && (e.tabIndex >= 0 || !e.hasAttribute("tabindex")));
    // a control inside another one, or one of a group that arrow keys walk through
    const missed = all.filter((e) => !reached.has(e) && !grouped.has(e.closest(GROUPS)));
    const bare = seen.filter((s) => s.e.isConnected && ring(s.e).join("|") === s.ring.join("|"));
    if (over()) seen.pop();
    const back = seen.slice(1).map((s, k) => [seen[k], s]).filter(([a, b]) => b.bottom <= a.top && b.left < a.left);
    return { order: seen.map((s) => name(s.e)), missed: missed.map(name), unseen: bare.map((s) => name(s.e)),
             twice: seen.filter((s, k) => seen.findIndex((t) => t.e === s.e) < k).map((s) => name(s.e)),
             back: back.map(([a, b]) => `${name(a.e)} > ${name(b.e)}`) };
  };
  window.ccTabs = { begin, report, over };
})();
