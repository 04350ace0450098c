/* What a page measures of itself. Set before the page's own scripts run, after `window.facts`:
{cards, charts, waiting: selectors of cards, of their pictures and of what is still to come; ground: whether a picture lets the colour of
its card through}. A chart is drawn when its picture has colour; it has changed when a stamp of it has. */
(() => {
  const [WIDE, HIGH] = [96, 64];
  const stamp = document.createElement("canvas");
  [stamp.width, stamp.height] = [WIDE, HIGH];
  const pen = stamp.getContext("2d", { willReadFrequently: true });
  const inSight = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.top < innerHeight && box.bottom > 0;
  };
  const seen = (selector) => [...document.querySelectorAll(selector)].filter(inSight);
  const read = (canvas) => {
    pen.clearRect(0, 0, WIDE, HIGH);
    pen.drawImage(canvas, 0, 0, WIDE, HIGH);
    return pen.getImageData(0, 0, WIDE, HIGH).data;
  };
  const coloured = (canvas) => {
    const data = read(canvas);
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
      if (data[i + 3] > 20 && Math.max(r, g, b) - Math.min(r, g, b) > 60) return true;
    }
    return false;
  };
  const look = (canvas) => {
    let hash = 7;
    for (const pixel of new Uint32Array(read(canvas).buffer)) hash = (Math.imul(hash, 31) + pixel) | 0;
    return facts.ground ? `${hash} ${getComputedStyle(canvas.closest(facts.cards)).backgroundColor}` : hash;
  };
  const afterFrame = (act) => requestAnimationFrame(() => setTimeout(act, 0));
  const probe = (window.probe = { first: 0, all: 0, longest: 0, change: null, rest: null });

  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) probe.longest = Math.max(probe.longest, task.duration);
  }).observe({ type: "longtask", buffered: true });
  performance.setResourceTimingBufferSize(10000);

  // A chart that was drawn once stays drawn: it is not looked at again.
  const drawn = new WeakSet();
  const watchStart = () => {
    const cards = seen(facts.cards);
    const ready = cards.filter((card) => {
      const canvas = card.querySelector(facts.charts);
      if (canvas === null || card.querySelector(facts.waiting) !== null || card.matches(facts.waiting)) return false;
      if (!drawn.has(canvas) && coloured(canvas)) drawn.add(canvas);
      return drawn.has(canvas);
    });
    if (ready.length > 0) probe.first ||= performance.now();
    if (ready.length > 0 && ready.length === cards.length) probe.all = performance.now();
    if (probe.all === 0) requestAnimationFrame(watchStart);
  };
  requestAnimationFrame(watchStart);

  const came = (moment) =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].filter(
      (entry) => entry.responseEnd > 0 && entry.responseEnd <= moment,
    );
  const size = (entries) => entries.reduce((total, entry) => total + (entry.transferSize || 0), 0);
  probe.report = () => {
    const { first, all, longest } = probe;
    const whole = seen(facts.cards).filter((card) => card.getBoundingClientRect().bottom <= innerHeight).length;
    const until = all || performance.now();
    const bytes = { first: size(came(first)), all: size(came(until)) };
    return { first, all, longest, whole, shown: seen(facts.cards).length, requests: came(until).length, bytes };
  };

  // Sets probe.change to the milliseconds from the next event of this type ("": from now) to the frames that first show one chart
  // changed, and every chart in sight. Looked at after the page's own work of the frame. A chart that is gone, and one
  // without a line that could change, has changed.
  probe.changed = (type, limit) => {
    let before = seen(facts.charts).map((canvas) => [canvas, look(canvas)]);
    const out = { first: 0, every: 0, left: before.length };
    probe.change = null;
    const start = (event) => {
      const compare = () => {
        const at = performance.now() - event.timeStamp;
        before = before.filter(([canvas, was]) => canvas.isConnected && look(canvas) === was);
        if (before.length < out.left) out.first ||= at;
        out.left = before.length;
        if (out.left === 0) out.every = at;
        if (out.left > 0 && at < limit) afterFrame(compare);
        else probe.change = out;
      };
      afterFrame(compare);
    };
    if (type === "") start({ timeStamp: performance.now() });
    else addEventListener(type, start, { once: true, capture: true });
  };

  // Sets probe.rest to the milliseconds from now to the last change of any chart in sight, when none changed for `quiet`.
  probe.settle = (quiet, limit) => {
    const began = performance.now();
    let last = began;
    const looks = new Map();
    probe.rest = null;
    const compare = () => {
      const now = performance.now();
      for (const canvas of seen(facts.charts)) {
        const next = look(canvas);
        if (looks.has(canvas) && looks.get(canvas) !== next) last = now;
        looks.set(canvas, next);
      }
      if (now - last > quiet || now - began > limit) probe.rest = last - began;
      else afterFrame(compare);
    };
    compare();
  };

  let frames = [];
  let changes = 0;
  let timing = 0;
  // From now on frames are timed; and, with `watch`, those counted in which the first chart was another picture.
  probe.startFrames = (watch) => {
    const mine = ++timing;
    const [chart] = watch ? seen(facts.charts) : [];
    let before = performance.now();
    let was = chart && look(chart);
    [frames, changes, probe.longest] = [[], 0, 0];
    const tick = (now) => {
      frames.push(now - before);
      before = now;
      if (chart !== undefined) {
        const is = look(chart);
        if (is !== was) changes++;
        was = is;
      }
      if (timing === mine) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  };
  // Milliseconds between the frames since, but for the first.
  probe.stopFrames = () => {
    timing++;
    return { frames: frames.slice(1), changes, longest: probe.longest };
  };
})();
