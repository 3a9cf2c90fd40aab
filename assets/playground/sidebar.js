// The playground's page: the sidebar is folded while it is shown and unfolded when it is left. What Streamlit remembers of
// the visitor's own choice stays as it was.
const FOLDS_BY_ITSELF_PX = 768; // below, Streamlit folds it by itself
const SIDEBAR_SETTLED_MS = 400; // after this it has taken the page's own configuration
const SIDEBAR_CHOICE = "stSidebarCollapsed-";

const sidebarShown = () => document.querySelector('[data-testid="stSidebar"]')?.getBoundingClientRect().right > 0;
const sidebarChoices = () => Object.keys(localStorage).filter((key) => key.startsWith(SIDEBAR_CHOICE));

function pressSidebar(name) {
  const before = sidebarChoices().map((key) => [key, localStorage.getItem(key)]);
  const place = document.querySelector(`[data-testid="${name}"]`);
  (place?.querySelector("button") ?? place)?.click();
  setTimeout(() => {
    sidebarChoices().forEach((key) => localStorage.removeItem(key));
    before.forEach(([key, value]) => localStorage.setItem(key, value));
  });
}

export function foldSidebar() {
  const timer = setTimeout(() => {
    if (window.innerWidth >= FOLDS_BY_ITSELF_PX && sidebarShown()) pressSidebar("stSidebarCollapseButton");
  }, SIDEBAR_SETTLED_MS);
  return () => {
    clearTimeout(timer);
    const chosen = sidebarChoices().some((key) => localStorage.getItem(key) === "true");
    if (window.innerWidth >= FOLDS_BY_ITSELF_PX && !sidebarShown() && !chosen) pressSidebar("stExpandSidebarButton");
  };
}
