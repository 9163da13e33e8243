// A map of areas on a canvas: pan, zoom, hover, click. Outlines arrive once and stay in this module; a change is colours.
// Places are steps of a square world (see area_canvas.py), drawn relative to `origin` to stay exact in 32-bit floats.

const outlines = new Map(); // id -> outlines with their paths, for as long as the browser page lives
const cameras = new Map(); // map name and first view -> where the camera is
const maps = new WeakMap(); // shadow root -> its map
const waiting = new Set(); // maps to redraw when outlines arrive

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".map");
  if (data.packed) {
    box.hidden = true;
    if (!outlines.has(data.id)) outlines.set(data.id, unpack(data));
    waiting.forEach((redraw) => redraw());
    return;
  }
  if (!maps.has(parentElement)) maps.set(parentElement, new AreaMap(box));
  const map = maps.get(parentElement);
  map.update(data, (code) => setTriggerValue("clicked", code));
  return () => box.isConnected || map.stop(); // also called when a newer change overtakes this one
}

function unpack(fixed) {
  const bytes = Uint8Array.from(atob(fixed.packed), (letter) => letter.charCodeAt(0));
  let at = 0;
  const whole = () => {
    let value = 0, shift = 0, byte;
    do { byte = bytes[at++]; value += (byte & 127) * 2 ** shift; shift += 7; } while (byte > 127);
    return value;
  };
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
    return { code, name: fixed.names[i], path, bounds };
  });
  const land = new Path2D(), borders = new Path2D(), edges = new Path2D();
  fixed.land.forEach((polygon) => polygon.forEach((ring) => line(land, ring, true)));
  fixed.borders.forEach((places) => line(borders, places, false));
  areas.forEach((area) => edges.addPath(area.path));
  const towns = fixed.towns.map(([lon, lat, name]) => [...step(lon, lat), name]);
  return { areas, land, borders, edges, towns, step, world: fixed.world, paint: fixed.paint, raised: fixed.raised };
}

class AreaMap {
  constructor(box) {
    this.box = box;
    this.canvas = box.querySelector("canvas");
    this.tip = box.querySelector(".tip");
    this.pen = this.canvas.getContext("2d");
    this.fingers = new Map(); // pointer id -> last place
    this.redraw = () => {
      if (this.asked) return;
      this.asked = true;
      requestAnimationFrame(() => { this.asked = false; this.draw(); });
    };
    this.listen();
    this.watch = new ResizeObserver(this.redraw);
    this.watch.observe(this.canvas);
    waiting.add(this.redraw);
  }

  stop() { this.watch.disconnect(); waiting.delete(this.redraw); }

  update(data, click) {
    Object.assign(this, { data, click, selected: data.selected, fills: null });
    this.box.style.height = `${data.height}px`;
    this.canvas.setAttribute("aria-label", `${data.alt} Arrows move, plus and minus zoom, Enter selects the middle.`);
    const name = JSON.stringify([data.map, data.view]); // a camera is kept per map until Python asks for another view
    if (!cameras.has(name)) cameras.set(name, { zoom: data.view.zoom, lon: data.view.longitude, lat: data.view.latitude });
    this.camera = cameras.get(name);
    this.redraw();
  }

  get fixed() { return this.data && outlines.get(this.data.fixed); }

  place() { // the camera's middle in steps, and pixels per step
    const camera = this.camera, fixed = this.fixed;
    if (camera.x === undefined) [camera.x, camera.y] = fixed.step(camera.lon, camera.lat);
    return { x: camera.x, y: camera.y, scale: (512 * 2 ** camera.zoom) / fixed.world };
  }

  classes() { // one path per colour, so that a picture is a handful of fills
    const paths = this.data.colours.map(() => new Path2D());
    this.fixed.areas.forEach((area, i) => paths[parseInt(this.data.classes[i], 36)]?.addPath(area.path));
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
    pen.fillStyle = paint.land;
    pen.fill(fixed.land, "evenodd");
    line(fixed.land, paint.coast, 1.2);
    this.fills.forEach((path, i) => { pen.fillStyle = this.data.colours[i]; pen.fill(path); });
    const edge = Math.min(1, (this.camera.zoom - 9.2) * 0.5); // edges of small areas would drown the colours from afar
    if (edge > 0) line(fixed.edges, paint.land, edge);
    line(fixed.borders, paint.border, 1.1);
    const chosen = fixed.areas.find((area) => area.code === this.selected);
    if (chosen) { line(chosen.path, paint.halo, 6); line(chosen.path, paint.ink, 3); }
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    this.names(pen, fixed, wide, high, x, y, scale);
    if (this.aiming) { pen.strokeStyle = paint.ink; pen.lineWidth = 2; pen.strokeRect(wide / 2 - 7, high / 2 - 7, 14, 14); }
    canvas.dataset.drawn = `${this.data.fixed} ${this.data.classes.length}`;
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
    this.pen.setTransform(1, 0, 0, 1, 0, 0);
    return this.fixed.areas.findIndex((area, i) => {
      const [west, north, east, south] = area.bounds;
      const near = px >= west && px <= east && py >= north && py <= south && this.data.classes[i] !== "-";
      return near && this.pen.isPointInPath(area.path, px, py);
    });
  }

  say(i, left, top) {
    this.tip.hidden = i < 0;
    this.canvas.style.cursor = i < 0 ? "grab" : "pointer";
    if (i < 0) return;
    const { title, texts, second, also } = this.data;
    this.tip.textContent = [this.fixed.areas[i].name, `${title}: ${texts[i]}`, ...(second ? [`${second}: ${also[i]}`] : [])].join("\n");
    const right = left > this.canvas.clientWidth / 2, low = top > this.canvas.clientHeight / 2;
    this.tip.style.transform = `translate(${right ? "-100%" : "0"}, ${low ? "-100%" : "0"})`;
    this.tip.style.left = `${left + (right ? -12 : 12)}px`;
    this.tip.style.top = `${top + (low ? -12 : 12)}px`;
  }

  choose(i) {
    if (i < 0) return;
    this.selected = this.fixed.areas[i].code; // shown at once; Python's answer has the last word
    this.click(this.selected);
    this.redraw();
  }

  move(right, down) {
    if (!this.fixed) return;
    const { x, y, scale } = this.place();
    Object.assign(this.camera, { x: x - right / scale, y: y - down / scale });
    this.redraw();
  }

  zoom(by, left = this.canvas.clientWidth / 2, top = this.canvas.clientHeight / 2) { // the place under the pointer stays
    if (!this.fixed) return;
    const from = this.place(), first = this.data.view.zoom;
    this.camera.zoom = Math.min(16, Math.max(first - 1, this.camera.zoom + by));
    const offsetX = left - this.canvas.clientWidth / 2, offsetY = top - this.canvas.clientHeight / 2, to = this.place();
    this.camera.x = from.x + offsetX / from.scale - offsetX / to.scale;
    this.camera.y = from.y + offsetY / from.scale - offsetY / to.scale;
    this.redraw();
  }

  home() {
    const view = this.data.view;
    Object.assign(this.camera, { zoom: view.zoom, lon: view.longitude, lat: view.latitude, x: undefined });
    this.redraw();
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
    this.box.querySelectorAll("button").forEach((button) => button.addEventListener("click", buttons[button.name]));
  }
}
