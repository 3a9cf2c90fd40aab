// A pad to draw a digit on, with mouse, finger, pen or keys, and beside it the image that the network sees.
//
// Streamlit calls the default export at every run with the same element: it is built once. One request is on its way at
// a time, and the newest drawing wins: the next one is sent when the answer to the last has come.
const UNIT = 280; // the pad's own units a side; points are sent in [0, 1]
const PEN = 0.075; // width of a stroke on the pad
const STEP = 0.04; // a press of an arrow key
const LEAST = 0.006; // two points are at least so far apart

export default function ({ parentElement, data, setStateValue }) {
  const pad = (parentElement.digitPad ??= mount(parentElement, data));
  pad.receive(data, (drawing) => setStateValue("drawing", drawing));
  return () => setTimeout(() => { if (!parentElement.isConnected) delete parentElement.digitPad; });
}

function mount(parent, { example, most }) {
  let strokes = example, isExample = true, current = null, send = null, waiting = 0, dirty = false;
  let serial = Date.now(), cursor = [0.5, 0.5], down = false, keyed = false;

  const root = element("div", "pad", parent);
  const left = element("div", "side", root), right = element("div", "side", root);
  const canvas = element("canvas", "ink", left);
  Object.assign(canvas, { width: UNIT * 2, height: UNIT * 2, tabIndex: 0 });
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label",
    "Pad to draw a digit. With keys: arrows move the pen, space puts it down or lifts it, backspace takes a stroke back.");
  const tools = element("div", "tools", left);
  const undo = button("Undo", () => { begin(); strokes = strokes.slice(0, -1); changed(); });
  const clear = button("Clear", () => { strokes = []; isExample = false; down = false; changed(); });
  const seen = element("canvas", "seen", right);
  seen.setAttribute("role", "img");
  seen.setAttribute("aria-label", "The image that the network sees");
  const note = element("p", "", right), help = element("p", "quiet", right);
  help.textContent = "Keys: arrows move, space draws, backspace undoes.";

  function element(name, className, where) {
    const made = document.createElement(name);
    made.className = className;
    where.append(made);
    return made;
  }
  function button(text, act) {
    const made = element("button", "", tools);
    made.type = "button";
    made.textContent = text;
    made.onclick = act;
    return made;
  }

  // the first mark of one's own takes the example away
  function begin() {
    if (isExample) strokes = [];
    isExample = false;
  }
  const count = () => strokes.reduce((sum, stroke) => sum + stroke.length, 0);
  function add(point) {
    const last = current[current.length - 1];
    if (last && Math.hypot(point[0] - last[0], point[1] - last[1]) < LEAST) return;
    if (count() >= most) return;
    current.push(point.map((v) => Math.round(Math.min(1, Math.max(0, v)) * 1000) / 1000));
    changed();
  }
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    begin();
    keyed = down = false;
    strokes = [...strokes, (current = [])];
    add(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!current || keyed) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const one of passed.length ? passed : [event]) add(place(one));
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { if (!keyed) current = null; });

  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = moves[event.key];
    if (move) {
      cursor = cursor.map((v, axis) => Math.min(0.98, Math.max(0.02, v + STEP * move[axis])));
      if (down) add(cursor); else draw();
    } else if (event.key === " ") {
      down = !down;
      current = null;
      if (down) {
        begin();
        strokes = [...strokes, (current = [])];
        add(cursor);
      }
      draw();
    } else if (event.key === "Backspace") {
      down = false;
      undo.click();
    } else if (event.key === "Delete") {
      clear.click();
    } else return;
    keyed = true;
    event.preventDefault();
  });
  canvas.addEventListener("focus", () => { keyed = canvas.matches(":focus-visible"); draw(); });
  canvas.addEventListener("blur", () => { keyed = down = false; current = null; draw(); });

  function changed() {
    dirty = true;
    draw();
    ask();
  }
  function ask() {
    // an answer that does not come for 8 seconds counts as lost
    if (!send || !dirty || (waiting && performance.now() - waiting < 8000)) return;
    dirty = false;
    waiting = performance.now();
    serial += 1;
    send({ id: serial, strokes });
  }

  function draw() {
    const pen = canvas.getContext("2d"), colour = getComputedStyle(root).color, size = canvas.width;
    pen.clearRect(0, 0, size, size);
    pen.lineWidth = PEN * size;
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = colour;
    pen.globalAlpha = isExample ? 0.55 : 1;
    for (const stroke of strokes) {
      pen.beginPath();
      stroke.forEach(([x, y], k) => (k ? pen.lineTo(x * size, y * size) : pen.moveTo(x * size, y * size)));
      if (stroke.length === 1) pen.lineTo(stroke[0][0] * size + 0.01, stroke[0][1] * size);
      pen.stroke();
    }
    pen.globalAlpha = 1;
    if (keyed) {
      pen.lineWidth = 5;
      pen.strokeStyle = getComputedStyle(root).getPropertyValue("--st-primary-color") || colour;
      pen.beginPath();
      pen.arc(cursor[0] * size, cursor[1] * size, (0.5 * PEN + (down ? 0.01 : 0.03)) * size, 0, 2 * Math.PI);
      pen.stroke();
    }
    note.textContent = isExample ? "An example: draw over it." : strokes.length ? "What the network sees" : "Draw a digit.";
    undo.disabled = isExample || !strokes.length;
    clear.disabled = !strokes.length;
  }

  function show({ side, pixels }) {
    const [r, g, b] = (getComputedStyle(root).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
    seen.width = seen.height = side;
    const pen = seen.getContext("2d"), image = pen.createImageData(side, side);
    pixels.forEach((ink, k) => image.data.set([r, g, b, ink], 4 * k));
    pen.putImageData(image, 0, 0);
  }

  return {
    receive(news, sender) {
      send = sender;
      if (news.answered === serial || !waiting) waiting = 0;
      show(news);
      draw();
      ask();
    },
  };
}
