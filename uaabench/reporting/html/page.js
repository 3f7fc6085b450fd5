"use strict";
const byId = (id) => document.getElementById(id);

// Tables: a click on a head sorts, a second one turns the order round; empty cells stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending"
        || (head.getAttribute("aria-sort") === null && column > 0);
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const key = (row) => {
        const cell = row.cells[column];
        if (column === 0) return cell.textContent.trim().toLowerCase();
        const value = cell.dataset.value;
        return value === "" ? null : Number(value);
      };
      const rows = [...table.tBodies[0].rows].map((row, place) => ({ row, place, value: key(row) }));
      rows.sort((a, b) => {
        if (a.value === null || b.value === null) return (a.value === null) - (b.value === null) || a.place - b.place;
        const order = a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
        return (descending ? -order : order) || a.place - b.place;
      });
      table.tBodies[0].append(...rows.map((entry) => entry.row));
    });
  });
}

// Charts: one data set and metric at a time.
function showChart() {
  for (const chart of document.querySelectorAll(".chart")) {
    chart.hidden = chart.dataset.dataset !== byId("chart-dataset").value
      || chart.dataset.metric !== byId("chart-metric").value;
  }
}
byId("chart-dataset").addEventListener("change", showChart);
byId("chart-metric").addEventListener("change", showChart);
showChart();

// Viewer.
const data = JSON.parse(byId("data").textContent);
const view = { scale: 1, x: 0, y: 0, wipe: 0.5 };  // (x, y): image point at the centre of a pane, as shares of its size.
const images = new Map();
const select = (id) => byId(`view-${id}`);

function fill(list, entries, chosen) {
  list.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
  if (entries.some(([value]) => value === chosen)) list.value = chosen;
}
const dataset = () => data.datasets.find((entry) => entry.name === select("dataset").value);
const pair = () => dataset().pairs.find((entry) => entry.id === select("pair").value);
const titleOf = (layer) => dataset().layers.find((entry) => entry.id === layer).title;

function imageOf(uri) {
  if (!images.has(uri)) {
    const image = new Image();
    image.onload = draw;
    image.src = uri;
    images.set(uri, image);
  }
  const image = images.get(uri);
  return image.complete && image.naturalWidth ? image : null;
}

function chooseDataset() {
  const layers = dataset().layers.map((entry) => [entry.id, entry.title]);
  const fused = dataset().methods.map((entry) => entry.id).filter((id) => layers.some(([layer]) => layer === id));
  fill(select("left"), layers, select("left").value || "visible");
  fill(select("right"), layers, select("right").value || fused[0]);
  const metrics = data.metrics.map((metric) => [metric.name, `by difference in ${metric.name}`]);
  fill(select("order"), [["", "by name"], ...metrics], select("order").value);
  orderPairs();
}

// Pairs by the difference between the left and the right method, largest first.
function orderPairs() {
  const chosen = select("pair").value;
  const metric = data.metrics.findIndex((entry) => entry.name === select("order").value);
  const gap = (entry) => {
    const [left, right] = ["left", "right"].map((side) => own(entry.values, select(side).value)?.[metric] ?? null);
    return left === null || right === null ? -1 : Math.abs(left - right);
  };
  const pairs = [...dataset().pairs];
  if (metric >= 0) pairs.sort((a, b) => gap(b) - gap(a));
  const text = (entry) => (metric >= 0 && gap(entry) >= 0 ? `${entry.id} (${gap(entry).toFixed(4)})` : entry.id);
  fill(select("pair"), pairs.map((entry) => [entry.id, text(entry)]), chosen);
  showPair();
}

function showPair() {
  fill(select("overlay"), [["", "none"], ...Object.keys(pair().overlays).map((name) => [name, name])], select("overlay").value);
  showValues();
  draw();
}

function showValues() {
  const table = byId("view-values");
  table.caption.textContent = `Values of pair ${pair().id}`;
  const row = (cells, tag, first) => {
    const line = document.createElement("tr");
    cells.forEach((text, place) => {
      const cell = document.createElement(place === 0 || tag === "th" ? "th" : "td");
      cell.scope = tag === "th" ? "col" : place === 0 ? "row" : "";
      cell.textContent = text;
      line.append(cell);
    });
    line.classList.toggle("shown", first);
    return line;
  };
  const heads = ["Method", ...data.metrics.map((metric) => `${metric.name} ${metric.higher ? "↑" : "↓"}`)];
  table.tHead.replaceChildren(row(heads, "th", false));
  const shown = [select("left").value, select("right").value];
  table.tBodies[0].replaceChildren(...dataset().methods.map((method) => {
    const values = pair().values[method.id].map((value) => (value === null ? "-" : value.toFixed(4)));
    return row([method.title, ...values], "td", shown.includes(method.id));
  }));
}

// Labels are chosen by users: one called "constructor" must not find what every object has.
const own = (entries, name) => (Object.hasOwn(entries, name) ? entries[name] : undefined);

function place(canvas, image) {
  const fit = Math.min(canvas.width / image.naturalWidth, canvas.height / image.naturalHeight) * view.scale;
  const [width, height] = [image.naturalWidth * fit, image.naturalHeight * fit];
  return [canvas.width / 2 - (0.5 + view.x) * width, canvas.height / 2 - (0.5 + view.y) * height, width, height];
}

function paint(canvas, layer, clip = null, operation = "source-over") {
  const context = canvas.getContext("2d");
  const uri = own(pair().layers, layer);
  context.save();
  if (clip !== null) {
    context.beginPath();
    context.rect(clip, 0, canvas.width - clip, canvas.height);
    context.clip();
    context.clearRect(clip, 0, canvas.width, canvas.height);
  }
  context.globalCompositeOperation = operation;
  const image = uri && imageOf(uri);
  if (image) {
    const box = place(canvas, image);
    context.imageSmoothingEnabled = box[2] < 2 * image.naturalWidth;
    context.drawImage(image, ...box);
    const overlay = own(pair().overlays, select("overlay").value);
    const labels = overlay && operation === "source-over" && imageOf(overlay);
    if (labels) {
      context.globalAlpha = 0.5;
      context.imageSmoothingEnabled = false;
      context.drawImage(labels, ...box);
    }
  } else if (!uri) {
    context.fillStyle = "#bbb";
    context.font = `${14 * devicePixelRatio}px system-ui, sans-serif`;
    context.fillText("no image of this pair", (clip ?? 0) + 12 * devicePixelRatio, canvas.height / 2);
  }
  context.restore();
}

function draw() {
  const [left, right, mode] = [select("left").value, select("right").value, select("mode").value];
  byId("pane-right").hidden = mode !== "both";
  byId("stage").classList.toggle("both", mode === "both");
  const canvases = [byId("canvas-left"), byId("canvas-right")];
  for (const canvas of canvases) {
    canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
  }
  const [first, second] = canvases;
  paint(first, left);
  if (mode === "both") paint(second, right);
  const context = first.getContext("2d");
  if (mode === "wipe") {
    const edge = Math.round(view.wipe * first.width);
    paint(first, right, edge);
    context.fillStyle = "#fff";
    context.fillRect(edge - devicePixelRatio, 0, 2 * devicePixelRatio, first.height);
  } else if (mode === "difference") {
    paint(first, right, null, "difference");
    context.globalCompositeOperation = "lighter";
    for (let doubling = 0; doubling < 2; doubling += 1) context.drawImage(first, 0, 0);
  }
  byId("tag-left").textContent = mode === "difference" ? `|${titleOf(left)} − ${titleOf(right)}| × 4` : titleOf(left);
  const other = byId("tag-right");
  other.textContent = titleOf(right);
  other.hidden = mode === "difference";
  other.className = mode === "wipe" ? "tag right" : "tag";
  (mode === "wipe" ? first : second).parentElement.append(other);
  select("wipe").parentElement.hidden = mode !== "wipe";
  const legend = own(dataset().legends, select("overlay").value) ?? [];
  byId("view-legend").replaceChildren(...legend.map((entry) => {
    const item = document.createElement("span");
    const patch = document.createElement("i");
    patch.style.background = entry.colour;
    item.append(patch, entry.name);
    return item;
  }));
}

function move(horizontally, vertically) {
  view.x = Math.max(-0.5, Math.min(0.5, view.x + horizontally));
  view.y = Math.max(-0.5, Math.min(0.5, view.y + vertically));
  draw();
}

// Zooms about a point of a pane, (0, 0) being its centre, in pixels of the canvas.
function zoom(factor, atX = 0, atY = 0) {
  const [left, right] = ["left", "right"].map((side) => imageOf(own(pair().layers, select(side).value) ?? ""));
  const image = left ?? right;
  const before = view.scale;
  view.scale = Math.max(1, Math.min(40, view.scale * factor));
  if (image) {
    const [, , width, height] = place(byId("canvas-left"), image);
    const gain = 1 - before / view.scale;
    view.x += (atX / width) * (view.scale / before) * gain;
    view.y += (atY / height) * (view.scale / before) * gain;
  }
  move(0, 0);
}

function fitView() {
  Object.assign(view, { scale: 1, x: 0, y: 0 });
  draw();
}

function setWipe(share) {
  view.wipe = Math.max(0, Math.min(1, share));
  select("wipe").value = view.wipe * 100;
  draw();
}

function listen() {
  select("dataset").addEventListener("change", chooseDataset);
  select("order").addEventListener("change", () => {
    orderPairs();
    select("pair").selectedIndex = 0;
    showPair();
  });
  select("pair").addEventListener("change", showPair);
  for (const side of ["left", "right"]) select(side).addEventListener("change", orderPairs);
  for (const id of ["mode", "overlay"]) select(id).addEventListener("change", draw);
  select("wipe").addEventListener("input", () => setWipe(select("wipe").value / 100));
  select("in").addEventListener("click", () => zoom(1.5));
  select("out").addEventListener("click", () => zoom(1 / 1.5));
  select("fit").addEventListener("click", fitView);
  for (const [id, step] of [["previous", -1], ["next", 1]]) {
    select(id).addEventListener("click", () => {
      const list = select("pair");
      list.selectedIndex = (list.selectedIndex + step + list.length) % list.length;
      showPair();
    });
  }
  const stage = byId("stage");
  const keys = {
    ArrowLeft: () => move(-0.05 / view.scale, 0), ArrowRight: () => move(0.05 / view.scale, 0),
    ArrowUp: () => move(0, -0.05 / view.scale), ArrowDown: () => move(0, 0.05 / view.scale),
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fitView,
    "[": () => setWipe(view.wipe - 0.02), "]": () => setWipe(view.wipe + 0.02),
  };
  stage.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = event.target.getBoundingClientRect();
    const at = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    zoom(Math.exp(-event.deltaY / 400), ...at.map((value) => value * devicePixelRatio));
  }, { passive: false });
  dragging(stage);
  new ResizeObserver(draw).observe(stage);
}

// One pointer moves the image, or the wipe when it starts near its edge; two pointers zoom.
function dragging(stage) {
  const pointers = new Map();
  let moves = "image";
  let apart = 0;
  const distance = () => {
    const [a, b] = [...pointers.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };
  const share = (event) => {
    const box = byId("canvas-left").getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  };
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    const nearEdge = Math.abs(share(event) - view.wipe) * byId("canvas-left").clientWidth < 14;
    moves = select("mode").value === "wipe" && nearEdge ? "wipe" : "image";
    if (pointers.size === 2) apart = distance();
  });
  stage.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    pointers.set(event.pointerId, event);
    if (pointers.size === 2) {
      zoom(distance() / apart);
      apart = distance();
    } else if (moves === "wipe") {
      setWipe(share(event));
    } else {
      const image = imageOf(own(pair().layers, select("left").value) ?? "");
      if (!image) return;
      const [, , width, height] = place(byId("canvas-left"), image);
      move(((last.clientX - event.clientX) * devicePixelRatio) / width, ((last.clientY - event.clientY) * devicePixelRatio) / height);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => pointers.delete(event.pointerId));
}

if (data.datasets.some((entry) => entry.pairs.some((shown) => Object.keys(shown.layers).length))) {
  byId("viewer").hidden = false;
  byId("no-images").hidden = true;
  fill(select("dataset"), data.datasets.map((entry) => [entry.name, entry.title]), "");
  listen();
  chooseDataset();
}
