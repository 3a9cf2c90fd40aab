/**
 * The frame of the playground: title bar, three columns (tabs on a phone), controls, live region, message.
 *
 * It knows nothing of what the columns show: each is an empty section that a panel fills.
 */
import { createControls } from "./controls.js";
import { htmlNode, keyedChildren, setAttributes, setText } from "./dom.js";
import { decimals, signed } from "./format.js";
import { setTerms } from "./glossary.js";
import { icon } from "./icons.js";
import { savePicture } from "./picture.js";
import { createPopover } from "./popover.js";
import { SHORTCUTS } from "./shortcuts.js";
import { drawThumbnail } from "./thumbnail.js";
import { createTooltip } from "./tooltip.js";

const SHELL_TABS = [["data", "Data"], ["directions", "Directions"], ["outcome", "Outcome"]];
/** What is said aloud waits until it has stood still for this long: a drag would be a stream of half sentences. */
const SPEAK_AFTER_MS = 700;

/** Build the frame in `root`: `roots` of the panels, `update`, `announce(text)`, `help()`, `stop()`. */
export function createShell(root, store) {
  const { actions } = store;
  const bar = createBar(root, store);
  const score = htmlNode("div", { class: "cc-score" }, root);
  const best = htmlNode("span", { class: "best" }, score);
  const trained = htmlNode("span", { class: "trained" }, score);

  const tabs = htmlNode("div", { class: "cc-tabs", role: "tablist", "aria-label": "Panels" }, root);
  const columns = htmlNode("div", { class: "cc-columns" }, root);
  const roots = {};
  const buttons = SHELL_TABS.map(([name, label], place) => {
    const names = { role: "tab", type: "button", id: `cc-tab-${name}`, "aria-controls": `cc-${name}` };
    const button = htmlNode("button", names, tabs, label);
    button.addEventListener("click", () => actions.tab(name));
    button.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const next = (place + by + SHELL_TABS.length) % SHELL_TABS.length;
      actions.tab(SHELL_TABS[next][0]);
      buttons[next].focus();
    });
    roots[name] = htmlNode("section", { class: `cc-panel cc-${name}`, id: `cc-${name}`, "aria-label": label }, columns);
    return button;
  });

  const controls = createControls(root, store);
  const message = htmlNode("div", { class: "cc-message", hidden: true }, root);
  const said = htmlNode("span", {}, message);
  const leading = htmlNode("button", { type: "button", class: "cc-leading" }, message);
  leading.addEventListener("click", () => store.state.leads?.act());
  const spoken = htmlNode("div", { class: "cc-spoken", role: "status", "aria-live": "polite" }, root);
  const tooltip = createTooltip(root);
  let timer = 0;
  let last = "";

  function announce(text) {
    if (text === last) return;
    last = text;
    clearTimeout(timer);
    timer = setTimeout(() => setText(spoken, text), SPEAK_AFTER_MS);
  }

  return {
    roots,
    announce,
    help: bar.help,
    update(state, derived, sentence) {
      root.classList.toggle("dark", state.dark);
      root.classList.toggle("reduced", state.reduced);
      root.classList.toggle("presented", state.presented);
      const { tab, show, scene, fresh } = state;
      setAttributes(root, { "data-tab": tab, "data-show": show, "data-view": scene.view, "aria-busy": String(!fresh) });
      bar.update(state);
      controls.update(state);
      SHELL_TABS.forEach(([name], place) => {
        const selected = state.tab === name;
        setAttributes(buttons[place], { "aria-selected": String(selected), tabindex: selected ? 0 : -1 });
      });
      const optimum = state.fresh ? state.answer.optimum : null;
      setText(best, `★ best ${optimum ? decimals(optimum.objective, 3) : "…"}`);
      setText(trained, seedText(state, derived, optimum));
      setAttributes(message, { hidden: !state.message });
      setText(said, state.message ?? "");
      setAttributes(leading, { hidden: !state.leads });
      setText(leading, state.leads?.text ?? "");
      // a run that plays changes too quickly to be read aloud
      if (sentence && !state.playing) announce(sentence.plain);
    },
    stop() {
      clearTimeout(timer);
      tooltip.stop();
    },
  };
}

/** The chosen seed's objective and how far it is above the optimum, as the strip on a phone shows it. */
function seedText(state, derived, optimum) {
  const seed = state.sgdFresh ? derived.seeds?.[state.seed] : null;
  if (!seed) return "● SGD: press Play";
  const above = optimum ? ` (${signed(100 * (seed.objective / optimum.objective - 1), 0)} %)` : "";
  return `● SGD ${decimals(seed.objective, 3)}${above}`;
}

/** Title bar: which scene, and what is done with the whole of it. */
function createBar(root, store) {
  const { actions } = store;
  const bar = htmlNode("div", { class: "cc-bar" }, root);
  htmlNode("span", { class: "cc-name" }, bar, "Playground");

  const picker = htmlNode("button", { type: "button", class: "cc-button cc-picker" }, bar);
  const stamp = htmlNode("span", { class: "cc-picker-stamp" }, picker);
  const title = htmlNode("span", { class: "cc-picker-title" }, picker);
  icon("down", picker);
  const scenes = htmlNode("div", { class: "cc-card cc-scenes", "aria-label": "Scenes" }, root);
  const list = createPopover(root, picker, scenes);
  const about = htmlNode("span", { class: "cc-sub cc-about" }, bar);
  const tools = htmlNode("div", { class: "cc-tools" }, bar);
  const tool = (parent, name, label, tip, act) => {
    const looks = { type: "button", class: `cc-button ${name}`, "aria-label": label, "data-tip": tip };
    const button = htmlNode("button", looks, parent);
    icon(name, button);
    htmlNode("span", {}, button, label);
    button.addEventListener("click", act);
    return button;
  };
  const undo = tool(tools, "undo", "Undo", "Take back the last change (Ctrl Z)", actions.undo);
  const redo = tool(tools, "redo", "Redo", "Make it again (Ctrl Y)", actions.redo);
  for (const button of [undo, redo]) button.classList.add("bare");
  const more = htmlNode("button", { type: "button", class: "cc-button bare cc-more", "aria-label": "More actions" }, bar);
  icon("more", more);
  const whole = htmlNode("div", { class: "cc-whole" }, bar);
  more.addEventListener("click", () => setOpen(!whole.classList.contains("open")));
  const setOpen = (open) => {
    whole.classList.toggle("open", open);
    more.setAttribute("aria-expanded", String(open));
  };
  root.addEventListener("click", (event) => more.contains(event.target) || setOpen(false));
  tool(whole, "reset", "Reset", "Back to the scene as it was", actions.reset);
  tool(whole, "link", "Copy link", "A link to this scene, its data included", actions.copyLink);
  tool(whole, "report", "Report", "Save the optimum with its proof as one page", actions.report);
  const savedAs = (format) => {
    const panels = root.querySelector(".cc-columns");
    savePicture(panels, `playground-${store.state.scene.name}`, `Playground: ${title.textContent}`, format);
  };
  for (const format of ["PNG", "SVG"])
    tool(whole, "down", format, `This screen as a picture (${format})`, () => savedAs(format.toLowerCase()));
  const send = tool(whole, "send", "Use elsewhere", "Make this the dataset of the other pages", actions.send);
  const keys = tool(whole, "help", "Keys", "Keyboard shortcuts (?)", () => {});
  const card = htmlNode("div", { class: "cc-card cc-keys", "aria-label": "Keyboard shortcuts" }, root);
  const help = createPopover(root, keys, card);
  fillKeys(card, help.close);

  let drawn = null;
  return {
    help: help.open,
    update(state) {
      const { scene } = state;
      setAttributes(undo, { disabled: !state.past.length });
      setAttributes(redo, { disabled: !state.future.length });
      setAttributes(send, { "aria-pressed": String(state.sent) });
      const known = state.scenes.find((entry) => entry.name === scene.name);
      setText(title, known?.title ?? "Your own data");
      setAttributes(picker, { "aria-label": `Scene: ${title.textContent}. Choose another` });
      const text = known && !scene.edited ? known.text : `${known ? "Changed: " : ""}${sceneSize(scene)}`;
      setTerms(about, text, state.terms);
      setAttributes(about, { "data-tip": text });
      if (drawn !== scene.X) {
        drawn = scene.X;
        stamp.replaceChildren(drawThumbnail(scene));
      }
      fillScenes(scenes, state, (name) => {
        actions.setScene(name);
        list.close();
      });
    },
  };
}

function fillScenes(card, state, choose) {
  const make = (entry) => {
    const button = htmlNode("button", { type: "button", class: "cc-scene" });
    drawThumbnail(entry.scene, button);
    htmlNode("b", {}, button, entry.title);
    setAttributes(htmlNode("span", {}, button, entry.text), { "data-tip": entry.text });
    button.addEventListener("click", () => choose(entry.name));
    return button;
  };
  const change = (button, entry) => setAttributes(button, { "aria-current": String(entry.name === state.scene.name) });
  keyedChildren(card, state.scenes, (entry) => entry.name, make, change);
}

function fillKeys(card, close) {
  htmlNode("h3", { class: "cc-h" }, card, "Keys");
  const list = htmlNode("dl", {}, card);
  for (const [key, what] of SHORTCUTS) {
    htmlNode("dt", {}, list, key);
    htmlNode("dd", {}, list, what);
  }
  htmlNode("button", { type: "button", class: "cc-button" }, card, "Close").addEventListener("click", close);
}

/** What a scene is made of, in words. */
function sceneSize({ X, shape, filter, view }) {
  const n = X.length;
  const many = (one, several) => `${n} ${n === 1 ? one : several}`;
  if (view === "plane") return many("point in the plane", "points in the plane");
  if (view === "line") return many("number with its target", "numbers with their targets");
  const filters = filter.length === 1 ? `filters of ${filter[0]}` : `filters of ${filter.join(" × ")}`;
  const each = shape.length === 1 ? `${shape[0]} numbers` : `${shape.join(" × ")} pixels`;
  return `${many("sample", "samples")} of ${each}, ${filters}`;
}
