// What lies under the pointer in the pictures of an arrangement: the patches that fire there, and the cell of a click.
// A picture is found by the key of its chart. Directions go to the server as they are: it decides which cell they are in.
export default function ({ parentElement, data, setTriggerValue }) {
  const { rows, K, n, views, frame, start } = data;
  const grid = parentElement.querySelector(".gates"), text = parentElement.querySelector("p");
  grid.style.gridTemplateColumns = `repeat(${K}, minmax(0, 1fr))`;
  const gates = [];
  grid.replaceChildren(...Array.from({ length: n * K }, (_, place) => {
    const box = document.createElement("i"), i = Math.floor(place / K), k = place % K;
    box.title = `sample ${i}, patch ${k + 1}`;
    gates[k * n + i] = box;
    return box;
  }));

  const show = (u, where) => {
    let count = 0;
    rows.forEach((row, j) => {
      const fires = row.reduce((sum, x, a) => sum + x * u[a], 0) >= 0;
      gates[j].className = fires ? "on" : "";
      count += fires;
    });
    text.innerHTML = `<b>${count} of ${rows.length}</b> patches fire ${where}`;
  };
  show(start, "in the chosen cell");

  // the direction under a pointer, in the picture's own coordinates; null beside the picture
  const flat = (plot, event) => {
    const box = plot.getBoundingClientRect(), { xaxis, yaxis } = plot._fullLayout;
    return [xaxis.p2d(event.clientX - box.left - xaxis._offset), yaxis.p2d(event.clientY - box.top - yaxis._offset)];
  };
  const find = {
    circle: (plot, event) => {
      const u = flat(plot, event);
      return Math.hypot(...u) <= 1.06 && Math.hypot(...u) > 1e-9 ? u : null;
    },
    disc: (plot, event, side) => {
      const [x, y] = flat(plot, event), square = x * x + y * y;
      if (square > 1) return null;
      const local = [2 * x, 2 * y, 1 - square].map((v) => (side * v) / (1 + square));
      return [0, 1, 2].map((a) => local.reduce((sum, v, b) => sum + v * frame[b][a], 0));
    },
    sphere: (plot, event) => {
      const scene = plot._fullLayout.scene._scene, { projection, view, model } = scene.glplot.cameraParams;
      const box = scene.glplot.canvas.getBoundingClientRect();
      const x = (2 * (event.clientX - box.left)) / box.width - 1, y = 1 - (2 * (event.clientY - box.top)) / box.height;
      const inverse = invert(times(projection, times(view, model)));
      const [a, b] = [-1, 1].map((z) => {
        const q = [0, 1, 2, 3].map((r) => inverse[r] * x + inverse[4 + r] * y + inverse[8 + r] * z + inverse[12 + r]);
        return [0, 1, 2].map((r) => q[r] / q[3] / scene.dataScale[r]);
      });
      const d = b.map((v, r) => v - a[r]);
      const dd = dot(d, d), ad = dot(a, d), root = ad * ad - dd * (dot(a, a) - 1);
      return root < 0 ? null : a.map((v, r) => v + (d[r] * (-ad - Math.sqrt(root))) / dd);
    },
  };
  const direction = (event) => {
    const plot = event.target.closest?.(".js-plotly-plot");
    const key = plot && Object.keys(views).find((name) => plot.closest(`.st-key-${name}`));
    return key ? find[views[key].kind](plot, event, views[key].side) : null;
  };

  let down = null;
  const move = (event) => {
    const u = direction(event);
    if (u) show(u, "under the pointer");
  };
  // the direction is taken when the button goes down: between that and its release the picture has a cover over it
  const press = (event) => { down = event.button === 0 ? [event.clientX, event.clientY, direction(event)] : null; };
  const release = (event) => {
    // a drag turns the sphere or scrolls the page
    const still = down && Math.hypot(event.clientX - down[0], event.clientY - down[1]) < 5;
    if (still && down[2]) { show(down[2], "there"); setTriggerValue("picked", down[2]); }
    down = null;
  };
  const listeners = { pointermove: move, pointerdown: press, pointerup: release };
  Object.entries(listeners).forEach(([name, listener]) => document.addEventListener(name, listener, true));
  return () => Object.entries(listeners).forEach(([name, listener]) => document.removeEventListener(name, listener, true));
}

const dot = (a, b) => a.reduce((sum, v, r) => sum + v * b[r], 0);

// 4 x 4 matrices, column by column
const times = (a, b) => Array.from({ length: 16 }, (_, e) =>
  [0, 1, 2, 3].reduce((sum, k) => sum + a[4 * k + (e % 4)] * b[4 * Math.floor(e / 4) + k], 0));

function invert(m) {
  // Gauss-Jordan on rows [A | I] with A[r][c] = m[4 c + r]
  const a = [0, 1, 2, 3].map((r) => [0, 1, 2, 3].map((c) => m[4 * c + r]).concat([0, 1, 2, 3].map((c) => +(c === r))));
  for (let c = 0; c < 4; c++) {
    const pivot = [...Array(4 - c).keys()].map((r) => r + c).reduce((p, r) => Math.abs(a[r][c]) > Math.abs(a[p][c]) ? r : p, c);
    [a[c], a[pivot]] = [a[pivot], a[c]];
    const scale = a[c][c];
    a[c] = a[c].map((v) => v / scale);
    for (let r = 0; r < 4; r++) if (r !== c) { const f = a[r][c]; a[r] = a[r].map((v, k) => v - f * a[c][k]); }
  }
  return Array.from({ length: 16 }, (_, e) => a[e % 4][4 + Math.floor(e / 4)]);
}
