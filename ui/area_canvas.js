// A map of areas on a canvas: pan, zoom, hover, click, play. Outlines arrive once and stay in this module; a change is
// colours. Maps that name the same camera move together. Nothing plays by itself, so nobody has to ask for less motion.
// Places are steps of a square world (see area_canvas.py), drawn relative to `origin` to stay exact in 32-bit floats.

const PACE = 900; // milliseconds a step of a playing map stays
const outlines = new Map(); // id -> outlines with their paths, for as long as the browser page lives
const cameras = new Map(); // camera or map, and first view -> where the camera is
const steps = new Map(); // map and its steps -> the step shown
const maps = new WeakMap(); // shadow root -> its map
const mounted = new Set(); // the maps on the page

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".map");
  if (data.packed) {
    box.hidden = true;
    if (!outlines.has(data.id)) outlines.set(data.id, unpack(data));
    mounted.forEach((map) => map.redraw());
    return;
  }
  if (!maps.has(parentElement)) maps.set(parentElement, new AreaMap(box));
  const map = maps.get(parentElement);
  map.update(data, (code) => setTriggerValue("clicked", code));
  return () => box.isConnected || map.stop(); // also called when a newer change overtakes this one
}

function integers(packed) { // reads one whole number after the other
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  let at = 0;
  return () => {
    let value = 0, shift = 0, byte;
    do { byte = bytes[at++]; value += (byte & 127) * 2 ** shift; shift += 7; } while (byte > 127);
    return value;
  };
}

function unpack(fixed) {
  const whole = integers(fixed.packed);
  const signed = () => { const value = whole(); return value % 2 ? -(value + 1) / 2 : value / 2; };
  const origin = [whole(), whole()];
  const step = (lon, lat) => [
    ((lon + 180) / 360) * fixed.world - origin[0],
    (0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI)) * fixed.world - origin[1],
  ];
  const line = (path, places, close) => {
    places.forEach(([lon, lat], i) => (i ? path.lineTo(...step(lon, lat)) : path.moveTo(...step(lon, lat))));
    if (close) path.closePath();
  };
  let x = 0, y = 0;
  const areas = fixed.codes.map((code, i) => {
    const path = new Path2D(), bounds = [Infinity, Infinity, -Infinity, -Infinity];
    for (let rings = whole(); rings > 0; rings--) {
      for (let left = whole(), first = true; left > 0; left--, first = false) {
        x += signed(); y += signed();
        first ? path.moveTo(x, y) : path.lineTo(x, y);
        bounds[0] = Math.min(bounds[0], x); bounds[1] = Math.min(bounds[1], y);
        bounds[2] = Math.max(bounds[2], x); bounds[3] = Math.max(bounds[3], y);
      }
      path.closePath();
    }
    return { code, name: fixed.names[i] ?? "", path, bounds };
  });
  const land = new Path2D(), borders = new Path2D(), edges = new Path2D();
  fixed.land.forEach((polygon) => polygon.forEach((ring) => line(land, ring, true)));
  fixed.borders.forEach((places) => line(borders, places, false));
  if (fixed.edges) areas.forEach((area) => edges.addPath(area.path));
  const towns = fixed.towns.map(([lon, lat, name]) => [...step(lon, lat), name]);
  return { ...fixed, areas, land, borders, edges: fixed.edges && edges, towns, step, origin };
}

class AreaMap {
  constructor(box) {
    this.box = box;
    this.canvas = box.querySelector("canvas");
    this.tip = box.querySelector(".tip");
    this.pen = this.canvas.getContext("2d");
    this.fingers = new Map(); // pointer id -> last place
    this.grown = 0; // how much nearer the camera is because the map fills the screen
    this.pointed = -1; // the area outlined because the pointer is on it, here or on a map of the same camera
    this.player = new Player(this, box.querySelector(".player"));
    this.redraw = () => {
      if (this.asked) return;
      this.asked = true;
      requestAnimationFrame(() => { this.asked = false; this.draw(); });
    };
    this.listen();
    this.watch = new ResizeObserver(this.redraw);
  }

  stop() { this.player.pause(); this.watch.disconnect(); mounted.delete(this); }

  update(data, click) {
    mounted.add(this);
    this.watch.observe(this.canvas);
    if (this.data?.fixed !== data.fixed) this.pointed = -1;
    Object.assign(this, { data, click, selected: data.selected });
    this.box.style.height = `${data.height}px`;
    this.canvas.setAttribute("aria-label", `${data.alt} Arrows move, plus and minus zoom, Enter selects the middle.`);
    const owner = data.camera ? { camera: data.camera } : { map: data.map };
    const name = JSON.stringify([owner, data.view]); // a camera is kept until Python asks for another view
    if (!cameras.has(name)) cameras.set(name, { zoom: data.view.zoom, lon: data.view.longitude, lat: data.view.latitude });
    this.camera = cameras.get(name);
    this.explain(data);
    this.player.update(data);
    this.refresh();
  }

  explain({ title, legend, colours }) { // the legend, for when the map fills the screen and the page's is out of sight
    const heading = document.createElement("b");
    heading.append(title);
    this.box.querySelector(".legend").replaceChildren(heading, ...legend.map((words, i) => {
      const entry = document.createElement("span"), swatch = document.createElement("i");
      swatch.style.background = colours[i];
      entry.append(swatch, words);
      return entry;
    }));
  }

  refresh() { // other numbers on the same outlines
    this.fills = null;
    if (this.over) this.say(this.at(...this.over), ...this.over); // the pointer has not moved
    this.redraw();
  }

  get fixed() { return this.data && outlines.get(this.data.fixed); }

  get digits() { return this.data.frames ? this.data.frames.classes[this.player.at] : this.data.classes; }

  linked() { return [...mounted].filter((map) => map !== this && map.camera === this.camera); }

  moved() { [this, ...this.linked()].forEach((map) => map.redraw()); }

  place() { // the camera's middle in steps from the origin, and pixels per step
    const camera = this.camera, { origin: [west, north], step, world } = this.fixed;
    if (camera.x === undefined) {
      const [x, y] = step(camera.lon, camera.lat);
      Object.assign(camera, { x: x + west, y: y + north }); // kept from the world's corner: outlines may change
    }
    return { x: camera.x - west, y: camera.y - north, scale: (512 * 2 ** camera.zoom) / world };
  }

  classes() { // one path per colour, so that a picture is a handful of fills
    const paths = this.data.colours.map(() => new Path2D()), digits = this.digits;
    this.fixed.areas.forEach((area, i) => paths[parseInt(digits[i], 36)]?.addPath(area.path));
    return paths;
  }

  draw() {
    const { canvas, pen, fixed } = this;
    const wide = canvas.clientWidth, high = canvas.clientHeight, sharp = window.devicePixelRatio || 1;
    if (!fixed || !wide) return;
    if (canvas.width !== Math.round(wide * sharp)) canvas.width = Math.round(wide * sharp);
    if (canvas.height !== Math.round(high * sharp)) canvas.height = Math.round(high * sharp);
    const { x, y, scale } = this.place(), paint = fixed.paint;
    this.fills ??= this.classes();
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = paint.around;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    const zoomed = scale * sharp;
    pen.setTransform(zoomed, 0, 0, zoomed, (wide / 2 - x * scale) * sharp, (high / 2 - y * scale) * sharp);
    const line = (path, colour, pixels) => {
      pen.strokeStyle = colour; pen.lineWidth = pixels / scale; pen.lineJoin = "round"; pen.stroke(path);
    };
    // bare land says that nothing happened: where nothing is known, the land has the colour of that
    pen.fillStyle = this.data.colours[this.player.cover] ?? paint.land;
    pen.fill(fixed.land, "evenodd");
    line(fixed.land, paint.coast, 1.2);
    this.fills.forEach((path, i) => { pen.fillStyle = this.data.colours[i]; pen.fill(path); });
    const edge = Math.min(1, (this.camera.zoom - 9.2) * 0.5); // edges of small areas would drown the colours from afar
    if (fixed.edges && edge > 0) line(fixed.edges, paint.land, edge);
    line(fixed.borders, paint.border, 1.1);
    this.mark(line, fixed, scale);
    const chosen = fixed.areas.find((area) => area.code === this.selected);
    if (chosen) { line(chosen.path, paint.halo, 6); line(chosen.path, paint.ink, 3); }
    const pointed = fixed.areas[this.pointed];
    if (pointed) { line(pointed.path, paint.halo, 4); line(pointed.path, paint.ink, 1.5); }
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    this.names(pen, fixed, wide, high, x, y, scale);
    if (this.aiming) { pen.strokeStyle = paint.ink; pen.lineWidth = 2; pen.strokeRect(wide / 2 - 7, high / 2 - 7, 14, 14); }
    canvas.dataset.drawn = `${this.data.fixed} ${this.digits.length}`;
  }

  mark(line, fixed, scale) { // small rings, the same at every zoom
    if (!this.data.points.length) return;
    const rings = new Path2D();
    for (const [lon, lat] of this.data.points) {
      const [x, y] = fixed.step(lon, lat);
      rings.moveTo(x + 4 / scale, y);
      rings.arc(x, y, 4 / scale, 0, 2 * Math.PI);
    }
    this.pen.fillStyle = fixed.paint.halo;
    this.pen.fill(rings);
    line(rings, fixed.paint.mark, 2);
  }

  names(pen, fixed, wide, high, x, y, scale) { // the most important first; a name that would touch one is left out
    const taken = [];
    Object.assign(pen, { textAlign: "center", textBaseline: "middle", lineJoin: "round", lineWidth: 3.5 });
    pen.font = `600 14px ${getComputedStyle(this.box).fontFamily}`;
    for (const [townX, townY, name] of fixed.towns) {
      const left = (townX - x) * scale + wide / 2, top = (townY - y) * scale + high / 2 - fixed.raised;
      if (left < 0 || top < 0 || left > wide || top > high) continue;
      const half = pen.measureText(name).width / 2 + 8;
      if (taken.some(([l, t, h]) => Math.abs(l - left) < h + half && Math.abs(t - top) < 24)) continue;
      taken.push([left, top, half]);
      pen.strokeStyle = fixed.paint.halo; pen.strokeText(name, left, top);
      pen.fillStyle = fixed.paint.ink; pen.fillText(name, left, top);
    }
  }

  at(left, top) { // the position of the area under a place on the canvas
    if (!this.fixed) return -1;
    const { x, y, scale } = this.place(), canvas = this.canvas;
    const px = (left - canvas.clientWidth / 2) / scale + x, py = (top - canvas.clientHeight / 2) / scale + y;
    const digits = this.digits;
    this.pen.setTransform(1, 0, 0, 1, 0, 0);
    return this.fixed.areas.findIndex((area, i) => {
      const [west, north, east, south] = area.bounds;
      const near = px >= west && px <= east && py >= north && py <= south && digits[i] !== "-";
      return near && this.pen.isPointInPath(area.path, px, py);
    });
  }

  say(i, left, top) { // what the area under the pointer has, here and on the maps of the same camera
    this.canvas.style.cursor = i < 0 ? "grab" : "pointer";
    this.over = i < 0 ? null : [left, top];
    this.tell(i, left, top);
    const linked = this.linked();
    if (linked.length) this.point(i);
    linked.forEach((map) => map.echo(map.data.fixed === this.data.fixed ? i : -1));
  }

  echo(i) { // the pointer is on this area of another map
    const { x, y, scale } = i < 0 ? {} : this.place(), [west, north, east, south] = this.fixed?.areas[i]?.bounds ?? [];
    const left = ((west + east) / 2 - x) * scale + this.canvas.clientWidth / 2;
    const top = ((north + south) / 2 - y) * scale + this.canvas.clientHeight / 2;
    const inside = left > 0 && top > 0 && left < this.canvas.clientWidth && top < this.canvas.clientHeight;
    this.tell(inside && this.digits[i] !== "-" ? i : -1, left, top);
    this.point(i);
  }

  point(i) {
    if (this.pointed === i) return;
    this.pointed = i;
    this.redraw();
  }

  words(i) { // the lines about an area
    const { title, texts, second, also, frames } = this.data, { name } = this.fixed.areas[i];
    const said = `${title}: ${frames ? this.player.text(i) : texts[i]}`;
    return [...(name ? [name] : []), said, ...(second && !frames ? [`${second}: ${also[i]}`] : [])];
  }

  tell(i, left, top) {
    this.tip.hidden = i < 0;
    if (i < 0) return;
    this.tip.textContent = this.words(i).join("\n");
    const right = left > this.canvas.clientWidth / 2, low = top > this.canvas.clientHeight / 2;
    this.tip.style.transform = `translate(${right ? "-100%" : "0"}, ${low ? "-100%" : "0"})`;
    this.tip.style.left = `${left + (right ? -12 : 12)}px`;
    this.tip.style.top = `${top + (low ? -12 : 12)}px`;
  }

  choose(i) {
    if (i < 0) return;
    const code = this.fixed.areas[i].code;
    [this, ...this.linked()].forEach((map) => { map.selected = code; }); // at once; Python's answer has the last word
    this.click(code);
    this.moved();
  }

  move(right, down) {
    if (!this.fixed) return;
    const { scale } = this.place();
    this.camera.x -= right / scale;
    this.camera.y -= down / scale;
    this.moved();
  }

  zoom(by, left = this.canvas.clientWidth / 2, top = this.canvas.clientHeight / 2) { // the place under the pointer stays
    if (!this.fixed) return;
    const from = this.place(), first = this.data.view.zoom, { camera } = this;
    camera.zoom = Math.min(16, Math.max(first - 1, camera.zoom + by));
    const offsetX = left - this.canvas.clientWidth / 2, offsetY = top - this.canvas.clientHeight / 2, to = this.place();
    camera.x += offsetX / from.scale - offsetX / to.scale;
    camera.y += offsetY / from.scale - offsetY / to.scale;
    this.moved();
  }

  home() {
    const view = this.data.view;
    Object.assign(this.camera, { zoom: view.zoom + this.grown, lon: view.longitude, lat: view.latitude, x: undefined });
    this.moved();
  }

  listen() {
    const canvas = this.canvas, on = (what, react) => canvas.addEventListener(what, react, { passive: false });
    const here = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    on("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.fingers.set(event.pointerId, here(event));
      if (this.fingers.size === 1) this.travel = 0;
    });
    on("pointermove", (event) => {
      const now = here(event), last = this.fingers.get(event.pointerId);
      if (!last) return this.say(this.at(...now), ...now);
      this.travel += Math.hypot(now[0] - last[0], now[1] - last[1]);
      const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) {
        const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
        this.zoom(Math.log2(apart(now) / apart(last)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      } else if (this.travel > 4) { this.move(now[0] - last[0], now[1] - last[1]); this.say(-1); }
      this.fingers.set(event.pointerId, now);
    });
    on("pointerup", (event) => {
      const alone = this.fingers.size === 1;
      this.fingers.delete(event.pointerId);
      if (alone && this.travel <= 4) this.choose(this.at(...here(event)));
    });
    on("pointercancel", (event) => this.fingers.delete(event.pointerId));
    on("pointerleave", () => this.say(-1));
    on("wheel", (event) => { event.preventDefault(); this.zoom(-event.deltaY / (event.deltaMode ? 20 : 300), ...here(event)); });
    on("keydown", (event) => {
      const middle = [canvas.clientWidth / 2, canvas.clientHeight / 2];
      const keys = {
        ArrowLeft: () => this.move(60, 0), ArrowRight: () => this.move(-60, 0),
        ArrowUp: () => this.move(0, 60), ArrowDown: () => this.move(0, -60),
        "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(-0.5), 0: () => this.home(),
        Enter: () => this.choose(this.at(...middle)), Escape: () => this.say(-1),
      };
      if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.aiming = true;
      keys[event.key]();
      if (event.key !== "Escape") this.say(this.at(...middle), ...middle);
    });
    on("blur", () => { this.aiming = false; this.say(-1); this.redraw(); });
    const buttons = { in: () => this.zoom(1), out: () => this.zoom(-1), home: () => this.home() };
    for (const [name, react] of Object.entries(buttons)) {
      this.box.querySelector(`[name=${name}]`).addEventListener("click", react);
    }
    this.fillScreen(this.box.querySelector("[name=full]"));
  }

  fillScreen(button) {
    const { box } = this, filled = () => box.matches(":fullscreen");
    button.hidden = !(document.fullscreenEnabled && box.requestFullscreen);
    let small = [1, 1];
    button.addEventListener("click", () => {
      if (filled()) return document.exitFullscreen();
      small = [this.canvas.clientWidth, this.canvas.clientHeight];
      box.requestFullscreen();
    });
    box.addEventListener("fullscreenchange", () => { // what was in view fills the screen, and comes back as it was
      button.setAttribute("aria-label", filled() ? "Leave full screen" : "Fill the screen");
      const { clientWidth: wide, clientHeight: high } = this.canvas;
      const grown = filled() ? Math.log2(Math.min(wide / small[0], high / small[1])) : 0;
      this.zoom(grown - this.grown);
      this.grown = grown;
    });
    box.addEventListener("keydown", (event) => { if (event.key === "Escape" && filled()) document.exitFullscreen(); });
  }
}

class Player { // the bar at the foot of a map that plays: a button, a slider and the step in large letters
  constructor(map, bar) {
    this.map = map;
    this.bar = bar;
    this.label = bar.querySelector(".step");
    this.slider = bar.querySelector("input");
    this.button = bar.querySelector("button");
    this.slider.addEventListener("input", () => { this.pause(); this.go(Number(this.slider.value)); });
    this.button.addEventListener("click", () => (this.timer ? this.pause() : this.play()));
  }

  get at() { return this.shown?.step ?? 0; }

  get cover() { return this.bar.hidden ? undefined : this.frames.absent[this.at]; } // the class over a step without data

  update({ map, frames, legend }) { // the step outlives a change of the numbers, as long as the steps are the same
    this.bar.hidden = !frames;
    if (!frames) return this.pause();
    const name = JSON.stringify([map, frames.labels]);
    if (!steps.has(name)) steps.set(name, { step: 0 });
    if (this.shown !== steps.get(name)) this.pause();
    Object.assign(this, { frames, legend, shown: steps.get(name) });
    this.slider.max = frames.labels.length - 1;
    this.dwell(this.at);
  }

  play() {
    if (this.at === this.frames.labels.length - 1) this.go(0);
    this.timer = setInterval(() => {
      if (this.at < this.frames.labels.length - 1) this.go(this.at + 1);
      if (this.at === this.frames.labels.length - 1) this.pause();
    }, PACE);
    this.dress("❚❚", "Pause");
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.dress("▶\uFE0E", "Play");
  }

  dress(sign, name) { this.button.textContent = sign; this.button.setAttribute("aria-label", name); }

  go(step) { this.dwell(step); this.map.refresh(); }

  dwell(step) {
    const label = this.frames.labels[step];
    Object.assign(this.shown, { step });
    this.words = null;
    this.slider.value = step;
    this.slider.setAttribute("aria-valuetext", label);
    this.label.textContent = label;
  }

  text(i) { // what an area has at this step: a number where one was sent, else the words of its class
    const { texts } = this.frames, digits = this.frames.classes[this.at];
    if (!this.words) {
      const whole = integers(texts.packed[this.at]), sent = texts.packed[this.at] !== "";
      this.words = [...digits].map((digit) => (sent && texts.of.includes(digit) ? texts.words[whole()] : ""));
    }
    return this.words[i] || this.legend[parseInt(digits[i], 36)];
  }
}
