// Back means the page before, Forward the page after, each with its settings. Streamlit adds an entry to the browser's
// history whenever the server corrects the address, also that of the page that is shown (streamlit #13853, #13963):
// such an entry replaces the present one instead. What was added before this ran, while the first page was loading, is
// passed over. What the page that Back has left still says of its settings is no longer about the address.

// Within this time of a key its slider's value has been sent.
const SENT_MS = 300;

export default function () {
  if (window.convexCoreHistory) return;
  window.convexCoreHistory = true;
  const { history, location } = window;
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  const place = (url) => new URL(url ?? "", location.href).pathname;
  const mark = (state) => ({ ...state, convexCore: true });
  // who left the first page before this ran has taken its settings out of the address: they are those it was opened with
  const opened = new URL(performance.getEntriesByType("navigation")[0]?.name ?? location.href);
  const bare = !location.search && opened.pathname === location.pathname;
  let shown = location.pathname, left = bare ? opened.href : location.href;
  // the title of the page that Back or Forward has left, until the page that was asked for has put its own in its place;
  // held: whatever they say, the address stays until somebody turns to the page
  let past = null, held = false;
  const stale = () => {
    if (document.title !== past) past = null;
    return held || past !== null;
  };
  const turn = () => { past = null, held = false; };
  history.replaceState = (state, title, url) => { if (!stale()) replace(mark(state), title, url); };
  history.pushState = (state, title, url) => {
    if (stale()) return;
    if (place(url) === location.pathname) return replace(mark(state), title, url);
    // settings of the next page are taken out of the address before its name is put in: give them back to this page
    if (place(left) === location.pathname) replace(mark(history.state), "", left);
    push(mark(state), title, url);
    shown = location.pathname;
  };
  replace(mark(history.state), "");
  // a change of page begins with a click, also from the keyboard
  document.addEventListener("click", () => { left = location.href; }, true);
  document.addEventListener("pointerdown", turn, true);
  // Streamlit sends a key on a slider a little later. Where Back comes first, it is sent in the name of the page before and
  // blanks the page that is shown: ask for that page once more, after it.
  let pressed = -Infinity, again = false;
  document.addEventListener("keydown", () => { pressed = performance.now(), turn(); }, true);
  const ask = () => {
    again = true;
    window.dispatchEvent(new PopStateEvent("popstate", { state: history.state }));
    again = false;
  };
  window.addEventListener("popstate", (event) => {
    if (again) return;
    const late = pressed + SENT_MS - performance.now();
    pressed = -Infinity;
    if (late > 0) {
      held = true;
      setTimeout(ask, late);
    }
    if (location.pathname !== shown) past = document.title;
    else if (!event.state?.convexCore) {
      event.stopImmediatePropagation();
      history.back();
    }
    shown = location.pathname;
  }, true);
}
