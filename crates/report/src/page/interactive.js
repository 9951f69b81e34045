// Makes the charts of a report interactive: zoom, reading of values, hiding of runs, and the scale of y.
//
// Each `figure.panel` holds a drawn SVG (`.still`), the controls and the room for an interactive drawing of the same
// curves (`.live`), and their data as JSON (`.data`; `chart/data.rs` says what is in it). A style sheet decides which
// drawing is seen: without this script, and on paper, the still one. Nothing moves by itself, so there is no animation
// to reduce.
"use strict";

(() => {
  const MARGIN = { left: 58, right: 14, top: 10, bottom: 40 };
  const DRAG_TO_ZOOM = 6; // pixels; less is a click
  const SUBDIVISION = 4; // pixels between points of a line that an axis bends
  const DEEPEST_ZOOM = 1e-5; // of the whole axis

  const superscript = (number) => String(number).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);

  /** 10^log10, for numbers beyond floats as well. */
  function powerOfTen(log10, digits = 3) {
    if (log10 >= -3 && log10 < 4) return significant(10 ** log10, digits);
    const exponent = Math.floor(log10);
    const leading = Number((10 ** (log10 - exponent)).toPrecision(digits));
    if (leading === 10) return `10${superscript(exponent + 1)}`;
    return `${leading === 1 ? "" : `${leading}×`}10${superscript(exponent)}`;
  }

  function significant(value, digits = 4) {
    const size = Math.abs(value);
    const isPlain = size === 0 || (size >= 1e-3 && size < 1e6);
    const written = isPlain ? plain(size, { maximumSignificantDigits: digits }) : powerOfTen(Math.log10(size), digits);
    return (value < 0 ? "−" : "") + written;
  }

  const plain = (value, format) =>
    value.toLocaleString("en", { useGrouping: Math.abs(value) >= 1e4, ...format }).replace("-", "−");

  function roundStep(raw, leading = [1, 2, 5, 10]) {
    const power = 10 ** Math.floor(Math.log10(raw));
    return power * leading.find((digit) => raw / power <= digit * (1 + 1e-9));
  }

  /** Of an axis: [position, label]. */
  function linearTicks(low, high, target) {
    const step = roundStep((high - low) / target);
    const first = Math.ceil(low / step);
    const last = Math.floor(high / step);
    if (!(step > 0 && Math.max(Math.abs(first), Math.abs(last)) < 9e15)) return [];
    const decimals = Math.min(Math.max(-Math.floor(Math.log10(step) + 1e-9), 0), 12);
    const fixed = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    const isPlain = Math.max(Math.abs(low), Math.abs(high)) < 1e6 && step >= 1e-4;
    // Adding 0 makes −0 a 0.
    const ticks = Array.from({ length: last - first + 1 }, (_, n) => (first + n) * step + 0);
    return ticks.map((at) => [at, isPlain ? plain(at, fixed) : significant(at, 3)]);
  }

  /** Powers of ten, with 2 and 5 between them if there are few, and round values if there is hardly one. */
  function logTicks(low, high, target) {
    const span = high - low;
    if (span < 0.9) {
      if (Math.max(Math.abs(low), Math.abs(high)) > 300) {
        return linearTicks(low, high, 4).map(([at, label]) => [at, `10^${label}`]);
      }
      const ticks = linearTicks(10 ** low, 10 ** high, target).filter(([at]) => at > 0);
      return ticks.map(([at, label]) => [Math.log10(at), label]);
    }
    const stride = Math.max(1, Math.round(roundStep(span / target, [1, 2, 3, 5, 10])));
    const ticks = [];
    for (let power = Math.floor(low / stride) * stride; power <= high; power += stride) {
      for (const digit of span < 2.6 ? [1, 2, 5] : [1]) {
        const at = power + Math.log10(digit);
        if (at >= low && at <= high) ticks.push([at, powerOfTen(at, 1)]);
      }
    }
    return ticks;
  }

  const SVG = "http://www.w3.org/2000/svg";

  function element(name, attributes, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /** The first index of an ascending list at which `value` or more stands. */
  function lowerBound(list, value) {
    let [from, to] = [0, list.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (list[middle] < value) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** What ascending positions and their values say of a position between two; null where there is none. */
  function between(xs, ys, x) {
    const after = lowerBound(xs, x);
    if (after >= xs.length || (after === 0 && xs[0] !== x)) return null;
    if (xs[after] === x) return ys[after];
    const [left, right] = [ys[after - 1], ys[after]];
    if (left === null || right === null) return null;
    return left + ((right - left) * (x - xs[after - 1])) / (xs[after] - xs[after - 1]);
  }

  const nearest = (list, x) =>
    list.reduce((best, at) => (best === null || Math.abs(at - x) < Math.abs(best - x) ? at : best), null);

  /** The smallest and the largest: a loop, as a call with so many arguments would overflow the stack. */
  const extent = (list) => list.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);

  /** A curve of the data, in columns. */
  function series({ label, classes, xy, band }) {
    const column = (flat, width, place) => flat.filter((_, index) => index % width === place);
    const edges = { x: column(band, 3, 0), low: column(band, 3, 1), high: column(band, 3, 2) };
    const colour = classes.split(" ")[0];
    return { label, classes, colour, hidden: false, x: column(xy, 2, 0), y: column(xy, 2, 1), band: edges };
  }

  class Chart {
    constructor(figure, number) {
      const data = JSON.parse(figure.querySelector(".data").textContent);
      Object.assign(this, { figure, data, log: data.y.log, bands: true, cursor: null, width: 0 });
      this.series = data.curves.map(series);
      const positions = this.series.flatMap((series) => series.x);
      if (!data.x.log) positions.push(0, data.end);
      const [low, high] = extent(positions);
      this.whole = low < high ? [low, high] : low === high ? [low - 0.5, low + 0.5] : [0, 1];
      this.view = this.whole;
      this.clip = `clip-${number}`;
      const parts = [".surface", ".surface svg", ".reading", ".status"];
      [this.surface, this.svg, this.reading, this.status] = parts.map((part) => figure.querySelector(part));
      this.wire();
      this.listen();
      figure.classList.add("enhanced");
      new ResizeObserver(() => this.resize()).observe(this.surface);
    }

    /** Gives buttons something to do. */
    wire() {
      const actions = {
        log: (tool) => this.toggle(tool, "log"),
        bands: (tool) => this.toggle(tool, "bands"),
        out: () => this.zoom(2),
        in: () => this.zoom(0.5),
        reset: () => this.reset(),
      };
      for (const tool of this.figure.querySelectorAll(".tools button")) {
        tool.addEventListener("click", () => actions[tool.dataset.action](tool));
      }
      const buttons = this.figure.querySelectorAll(".legend button");
      for (const [place, series] of this.named().entries()) {
        series.button = buttons[place];
        series.row = this.reading.children[place + 1];
        series.button.addEventListener("click", () => toggleRun(this, series.label, !series.hidden));
      }
    }

    toggle(button, what) {
      this[what] = !this[what];
      button.setAttribute("aria-pressed", String(this[what]));
      this.draw();
    }

    named() {
      return this.series.filter((series) => series.label !== null);
    }

    shown() {
      return this.series.filter((series) => !series.hidden);
    }

    /* Coordinates: of data, of an axis (logarithms, if it is logarithmic), of pixels */

    axisY(y) {
      if (y === null || this.log === this.data.y.log) return y;
      return this.log ? Math.log10(y) : 10 ** y;
    }

    pixelX(x) {
      const [low, high] = this.view;
      return MARGIN.left + ((x - low) / (high - low)) * this.inner.width;
    }

    pixelY(axis) {
      const [low, high] = this.rangeY;
      return MARGIN.top + (1 - (axis - low) / (high - low)) * this.inner.height;
    }

    dataX(pixel) {
      const [low, high] = this.view;
      return low + ((pixel - MARGIN.left) / this.inner.width) * (high - low);
    }

    /** Around everything that is seen between the ends of the x-axis. */
    fittedY() {
      const [from, to] = this.view;
      const seen = (xs, ys) => [
        ...ys.slice(lowerBound(xs, from), lowerBound(xs, to)),
        ...this.view.map((end) => between(xs, ys, end)),
      ];
      const values = this.shown().flatMap(({ x, y, band }) => [
        ...seen(x, y),
        ...(this.bands ? [...seen(band.x, band.low), ...seen(band.x, band.high)] : []),
      ]);
      const [low, high] = extent(values.filter((y) => y !== null).map((y) => this.axisY(y)));
      if (low > high) return [0, 1];
      const isFlat = high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high));
      const around = isFlat ? (this.log ? 0.5 : Math.abs(high) * 0.1 || 1) : 0.04 * (high - low);
      return [low - around, high + around];
    }

    /* Drawing */

    resize() {
      const width = Math.round(this.surface.clientWidth);
      if (width === this.width || width === 0) return;
      this.width = width;
      this.height = Math.round(Math.min(Math.max(0.58 * width, 230), 330));
      this.svg.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
      this.draw();
    }

    draw() {
      if (this.width === 0) return;
      const { left, right, top, bottom } = MARGIN;
      this.inner = { width: this.width - left - right, height: this.height - top - bottom };
      this.rangeY = this.fittedY();
      const area = { x: left, y: top, width: this.inner.width, height: this.inner.height };
      const curves = element("g", { "clip-path": `url(#${this.clip})` });
      if (this.bands) for (const series of this.shown()) curves.append(...this.drawBand(series));
      for (const series of this.shown()) curves.append(this.drawCurve(series));
      this.overlay = element("g", { class: "overlay" });
      const clip = element("clipPath", { id: this.clip }, element("rect", area));
      this.svg.replaceChildren(clip, ...this.drawAxes(), curves, this.overlay);
      this.drawCursor();
    }

    drawAxes() {
      const { left, top } = MARGIN;
      const [right, bottom] = [left + this.inner.width, top + this.inner.height];
      const line = (kind, x1, y1, x2, y2) => element("line", { class: kind, x1, y1, x2, y2 });
      const text = (x, y, anchor, words) =>
        element("text", { class: "label", x, y, "text-anchor": anchor, "font-size": 13 }, words);
      const drawn = [];
      for (const [at, label] of (this.log ? logTicks : linearTicks)(...this.rangeY, 6)) {
        const y = this.pixelY(at);
        drawn.push(line("grid", left, y, right, y), text(left - 7, y + 4.5, "end", label));
      }
      const targetX = Math.max(3, Math.round(this.inner.width / 75));
      for (const [at, label] of (this.data.x.log ? logTicks : linearTicks)(...this.view, targetX)) {
        const x = this.pixelX(at);
        drawn.push(line("axis", x, bottom, x, bottom + 4), text(x, bottom + 18, "middle", label));
      }
      for (const mark of this.data.marks) {
        const x = this.pixelX(mark);
        if (x > left && x < right) drawn.push(line("milestone", x, top, x, bottom));
      }
      drawn.push(line("axis", left, top, left, bottom), line("axis", left, bottom, right, bottom));
      drawn.push(text((left + right) / 2, bottom + 35, "middle", this.data.x.label));
      return drawn;
    }

    /** Points in pixels, as far as they are seen, in stretches without a hole. */
    stretches(xs, ys) {
      const from = Math.max(lowerBound(xs, this.view[0]) - 1, 0);
      const to = Math.min(lowerBound(xs, this.view[1]) + 1, xs.length);
      const stretches = [[]];
      const bent = this.log !== this.data.y.log;
      for (let at = from; at < to; at++) {
        const stretch = stretches.at(-1);
        if (ys[at] === null) {
          if (stretch.length > 0) stretches.push([]);
          continue;
        }
        const x = this.pixelX(xs[at]);
        if (bent && stretch.length > 0) {
          // What is straight on the scale of the data is a curve on the other.
          const parts = Math.min(Math.ceil((x - stretch.at(-1)[0]) / SUBDIVISION), 2000);
          for (let part = 1; part < parts; part++) {
            const middle = xs[at - 1] + ((xs[at] - xs[at - 1]) * part) / parts;
            const y = ys[at - 1] + ((ys[at] - ys[at - 1]) * part) / parts;
            stretch.push([this.pixelX(middle), this.pixelY(this.axisY(y))]);
          }
        }
        stretch.push([x, this.pixelY(this.axisY(ys[at]))]);
      }
      return stretches.filter((stretch) => stretch.length > 0);
    }

    drawCurve(series) {
      const group = element("g", { class: "curve" });
      if (series.label !== null) group.dataset.run = series.label;
      for (const stretch of this.stretches(series.x, series.y)) {
        if (stretch.length === 1) {
          const [cx, cy] = stretch[0];
          group.append(element("circle", { class: series.classes, cx, cy, r: 3 }));
        } else {
          group.append(element("path", { class: series.classes, d: `M${points(stretch)}` }));
        }
      }
      return group;
    }

    drawBand({ colour, band }) {
      const below = this.stretches(band.x, band.low);
      const above = this.stretches(band.x, band.high);
      return above.map((edge, at) => {
        const outline = [...edge, ...below[at].reverse()];
        return element("path", { class: `${colour} band`, d: `M${points(outline)}Z` });
      });
    }

    /** The reading: a line with a dot on each curve, and values in a box on the side that has more room. */
    drawCursor() {
      this.overlay.replaceChildren();
      const { top, left } = MARGIN;
      this.reading.hidden = this.cursor === null || this.cursor < this.view[0] || this.cursor > this.view[1];
      if (this.reading.hidden) return;
      const x = this.pixelX(this.cursor);
      const line = { x1: x, y1: top, x2: x, y2: top + this.inner.height };
      this.overlay.append(element("line", { class: "cursor", ...line }));
      this.reading.firstElementChild.textContent = `${this.data.x.label} ${this.writtenX(this.cursor)}`;
      this.reading.classList.toggle("left", x > left + this.inner.width / 2);
      this.reading.style.setProperty("--x", `${x}px`);
      for (const series of this.named()) {
        const y = series.hidden ? null : between(series.x, series.y, this.cursor);
        series.row.hidden = y === null;
        if (y === null) continue;
        series.row.querySelector("strong").textContent = this.writtenY(series, y);
        const dot = { cx: x, cy: this.pixelY(this.axisY(y)), r: 3.5 };
        this.overlay.append(element("circle", { class: `${series.colour} dot`, ...dot }));
      }
    }

    writtenX(x) {
      return this.data.x.log ? powerOfTen(x) : significant(x, 5);
    }

    writtenY(series, y) {
      const written = (value) => (this.data.y.log ? powerOfTen(value, 3) : significant(value, 4));
      const { x, low, high } = series.band;
      const ends = this.bands ? [between(x, low, this.cursor), between(x, high, this.cursor)] : [null, null];
      return written(y) + (ends.includes(null) ? "" : ` (${ends.map(written).join(" to ")})`);
    }

    /* What a reader does */

    say(text) {
      this.status.textContent = text;
    }

    /** Positions at which something that has a label was recorded. */
    positions() {
      return this.named().flatMap((series) => (series.hidden ? [] : series.x));
    }

    /** Puts the reading on the nearest of the positions that are seen, or ends it. */
    read(x) {
      const [from, to] = this.view;
      this.cursor = x === null ? null : nearest(this.positions().filter((at) => at >= from && at <= to), x);
      this.drawCursor();
    }

    /** Moves the reading by a share of what is seen, at least to the next position; the view follows. */
    move(share) {
      const [from, to] = this.view;
      const start = this.cursor ?? (from + to) / 2;
      const beyond = this.positions().filter((x) => (share > 0 ? x > start : x < start));
      this.cursor = nearest(beyond, start + share * (to - from)) ?? this.cursor;
      if (this.cursor === null) return this.say("No values.");
      const shift = Math.min(this.cursor - from, 0) + Math.max(this.cursor - to, 0);
      this.look(from + shift, to + shift);
      const rows = [...this.reading.children].filter((row) => !row.hidden);
      this.say(rows.map((row) => `${row.textContent}.`).join(" "));
    }

    /** Looks at a part of the x-axis, within its ends; y fits what is seen. */
    look(from, to) {
      const [low, high] = this.whole;
      const width = Math.min(Math.max(to - from, DEEPEST_ZOOM * (high - low)), high - low);
      const start = Math.min(Math.max(from, low), high - width);
      this.view = [start, start + width];
      this.draw();
    }

    /** Shows this many times as much around a position, else around the reading or the middle. */
    zoom(factor, around = null) {
      const [from, to] = this.view;
      const centre = around ?? this.cursor ?? (from + to) / 2;
      this.look(centre - (centre - from) * factor, centre + (to - centre) * factor);
      this.say(`${this.data.x.label} ${this.view.map((x) => this.writtenX(x)).join(" to ")}`);
    }

    reset() {
      this.look(...this.whole);
      this.say("The whole chart.");
    }

    listen() {
      const surface = this.surface;
      const place = (event) => event.clientX - this.svg.getBoundingClientRect().left;
      const pointers = new Map();
      let [drag, pinch] = [null, null];
      surface.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        pointers.set(event.pointerId, place(event));
        surface.setPointerCapture(event.pointerId);
        drag = pointers.size === 1 && event.pointerType === "mouse" ? place(event) : null;
        if (pointers.size === 2) pinch = new Map([...pointers].map(([id, x]) => [id, this.dataX(x)]));
        else if (drag === null) this.read(this.dataX(place(event)));
      });
      surface.addEventListener("pointermove", (event) => {
        if (pointers.has(event.pointerId)) pointers.set(event.pointerId, place(event));
        if (pinch !== null && pointers.size === 2) this.pinch([...pointers], pinch);
        else if (drag !== null) this.drawSelection(drag, place(event));
        else this.read(this.dataX(place(event)));
      });
      const end = (event) => {
        if (drag !== null && event.type === "pointerup") this.select(drag, place(event));
        pointers.delete(event.pointerId);
        [drag, pinch] = [null, null];
      };
      for (const kind of ["pointerup", "pointercancel"]) surface.addEventListener(kind, end);
      surface.addEventListener("pointerleave", (event) => {
        // A finger that was lifted leaves the reading where it was.
        if (event.pointerType !== "touch") this.read(null);
      });
      surface.addEventListener("dblclick", () => this.reset());
      surface.addEventListener("wheel", (event) => {
        // Else a reader who scrolls down the page would be caught by every chart on the way.
        if (!(event.ctrlKey || event.metaKey || document.activeElement === surface)) return;
        event.preventDefault();
        this.zoom(Math.exp(Math.max(-100, Math.min(100, event.deltaY)) * 0.004), this.dataX(place(event)));
      }, { passive: false });
      surface.addEventListener("keydown", (event) => this.key(event));
      surface.addEventListener("focus", () => {
        if (this.cursor === null && surface.matches(":focus-visible")) this.read((this.view[0] + this.view[1]) / 2);
      });
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = event.shiftKey ? 0.1 : 0.01;
      const moves = { ArrowLeft: -step, ArrowRight: step, Home: -1e9, End: 1e9 };
      const zooms = { "+": 0.5, "=": 0.5, "-": 2 };
      if (Object.hasOwn(moves, event.key)) this.move(moves[event.key]);
      else if (Object.hasOwn(zooms, event.key)) this.zoom(zooms[event.key]);
      else if (event.key === "0") this.reset();
      else return;
      event.preventDefault();
    }

    drawSelection(from, to) {
      const box = { x: Math.min(from, to), width: Math.abs(to - from), y: MARGIN.top, height: this.inner.height };
      this.overlay.replaceChildren(element("rect", { class: "selection", ...box }));
    }

    /** Zooms to what was dragged over, in pixels. */
    select(from, to) {
      if (Math.abs(to - from) < DRAG_TO_ZOOM) this.drawCursor();
      else this.look(...[from, to].map((x) => this.dataX(x)).sort((a, b) => a - b));
    }

    /** Keeps under each of two fingers the position that was there. */
    pinch(fingers, positions) {
      const [[a, pixelA], [b, pixelB]] = fingers;
      const scale = (positions.get(b) - positions.get(a)) / (pixelB - pixelA);
      if (!(scale > 0 && Number.isFinite(scale))) return;
      const from = positions.get(a) - (pixelA - MARGIN.left) * scale;
      this.look(from, from + this.inner.width * scale);
    }
  }

  const points = (list) => list.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");

  /** A run is hidden in, or back in, every chart of its figure, and with it what has its colour but no label. */
  function toggleRun(origin, label, hidden) {
    const section = origin.figure.closest("section");
    for (const chart of charts.filter((chart) => chart.figure.closest("section") === section)) {
      const run = chart.named().find((series) => series.label === label);
      if (run === undefined) continue;
      const belongs = (series) => series === run || (series.label === null && series.colour === run.colour);
      for (const series of chart.series.filter(belongs)) series.hidden = hidden;
      run.button.setAttribute("aria-pressed", String(!hidden));
      chart.draw();
    }
    origin.say(`${label} ${hidden ? "hidden" : "shown"}.`);
  }

  document.documentElement.classList.add("scripted");
  const charts = [...document.querySelectorAll("figure.panel")].map((figure, number) => new Chart(figure, number));
})();
