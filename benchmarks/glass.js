// Runs in the page: reads the number that each picture carries, and writes down what the wall says meanwhile.
// Times are epoch milliseconds of this machine, which is the simulator's clock too.
(geometry) => {
  const { bits, width, height } = geometry;
  const CELL = 8;
  const JUMP_S = 0.25;
  const canvas = document.createElement("canvas");
  canvas.width = bits * CELL;
  canvas.height = 2 * CELL;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  // Date.now() is the simulator's clock; performance.now() may stand some milliseconds beside it.
  const toEpoch = (at) => Date.now() - performance.now() + at;

  const read = (video) => {
    if (video.videoWidth === 0) return -1;
    context.drawImage(video, 0, 0, video.videoWidth * width * bits, video.videoHeight * height * 2, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let number = 0;
    for (let column = 0; column < bits; column++) {
      const cell = (row) => data[4 * ((row * CELL + CELL / 2) * canvas.width + column * CELL + CELL / 2) + 1];
      const contrast = cell(0) - cell(1);
      if (Math.abs(contrast) < 60) return -1;
      number = number * 2 + (contrast > 0 ? 1 : 0);
    }
    return number;
  };

  const tiles = () => [...document.querySelectorAll("[data-testid^=tile-][data-camera]")];
  const videoOf = (tile) => tile.querySelector("[data-testid=tile-video]");
  // "0.3 s", "12 s", "1:05", "1:02:03"
  const ageOf = (tile) => {
    const text = tile.querySelector("[data-testid=tile-age]")?.textContent ?? "";
    const seconds = /^([\d.]+) s$/.exec(text.trim());
    if (seconds) return 1000 * Number(seconds[1]);
    return /^[\d:]+$/.test(text.trim()) ? 1000 * text.trim().split(":").reduce((sum, part) => 60 * sum + Number(part), 0) : null;
  };

  const glass = {
    every: 0,
    pause: Infinity,
    recording: false,
    pressedAt: 0,
    last: new Map(),
    counts: {},
    pictures: [],
    states: [],
    live: () => tiles().filter((tile) => tile.dataset.state === "live").map((tile) => tile.dataset.camera),
    // Whose number was read and had changed since.
    readSince: (at) => [...glass.last].filter(([, told]) => told.at > at).map(([camera]) => camera),
    take: (name) => glass[name].splice(0),
    rows: [],
    looks: [],
  };
  window.__glass = glass;

  // Every new picture on any video of the wall.
  const known = new WeakSet();
  const first = new WeakMap();
  const follow = (video) => {
    if (known.has(video)) return;
    known.add(video);
    let count = 0;
    let presented = 0;
    let readAt = -Infinity;
    let mediaTime = 0;
    const step = (_now, metadata) => {
      if (!video.isConnected) return;
      const shown = toEpoch(Math.max(metadata.expectedDisplayTime, performance.now()));
      const tile = video.closest("[data-camera]");
      if (!first.has(video)) first.set(video, shown);
      const front = tile !== null && videoOf(tile) === video;
      if (front) glass.counts[tile.dataset.camera] = (glass.counts[tile.dataset.camera] ?? 0) + metadata.presentedFrames - presented;
      presented = metadata.presentedFrames;
      const jumped = Math.abs(metadata.mediaTime - mediaTime) > JUMP_S;
      mediaTime = metadata.mediaTime;
      if (front && glass.every > 0 && (count++ % glass.every === 0 || jumped || shown - readAt > glass.pause)) {
        readAt = shown;
        const number = read(video);
        const told = glass.last.get(tile.dataset.camera);
        if (number >= 0 && (told === undefined || told.number !== number)) glass.last.set(tile.dataset.camera, { number, at: shown });
        if (glass.recording) glass.pictures.push([tile.dataset.camera, number, shown, tile.dataset.state, ageOf(tile)]);
      }
      video.requestVideoFrameCallback(step);
    };
    video.requestVideoFrameCallback(step);
  };
  // Of each tile's pictures every so manieth is read, every one that comes over `pause` ms after the last that was, and
  // every one after a jump of playback; 0: none. `recording`: and written down.
  glass.read = (every, recording, pause = Infinity) => Object.assign(glass, { every, recording, pause });

  // What stands on the wall now, whatever anybody says: for each tile its number, when that changed, state and age, and
  // whether it tells a fault.
  glass.look = () => {
    const at = toEpoch(performance.now());
    for (const tile of tiles()) {
      const last = glass.last.get(tile.dataset.camera);
      glass.looks.push([at, tile.dataset.camera, tile.dataset.state, last?.number ?? -1, last?.at ?? null, ageOf(tile), tile.querySelector("[data-testid=tile-fault]") !== null]);
    }
  };

  // Looks every `pause` ms for `lasts` ms; the promise comes true when that is over.
  glass.watch = (pause, lasts) =>
    new Promise((done) => {
      const until = performance.now() + lasts;
      const timer = setInterval(() => {
        glass.look();
        if (performance.now() < until) return;
        clearInterval(timer);
        painted(() => done(true));
      }, pause);
    });

  // A change of now is on the screen when the frame after its own begins.
  const painted = (then) => requestAnimationFrame(() => requestAnimationFrame(() => then(toEpoch(performance.now()))));
  // When tiles took their present cameras.
  const turned = new WeakMap();
  addEventListener("pointerdown", (event) => (glass.pressedAt = toEpoch(event.timeStamp)), true);
  // From the press to the first picture of another camera than `before` in the tile; null as long as there is none.
  glass.switched = (before) => {
    const tile = document.querySelector("[data-testid=tile-1]");
    const video = tile === null ? null : videoOf(tile);
    const at = turned.get(tile);
    if (video === null || tile.dataset.camera === before || !first.has(video) || at === undefined || at < glass.pressedAt) return null;
    return Math.max(at, first.get(video)) - glass.pressedAt;
  };
  // From the press to the last tile's first picture of its camera in `cameras`; null as long as there is one without.
  glass.opened = (cameras) => {
    const all = tiles();
    const stands = (tile, i) => tile.dataset.camera === cameras[i] && tile.dataset.state === "live" && first.has(videoOf(tile)) && turned.get(tile) >= glass.pressedAt;
    if (all.length !== cameras.length || !all.every(stands)) return null;
    return Math.max(...all.map((tile) => Math.max(turned.get(tile), first.get(videoOf(tile))))) - glass.pressedAt;
  };
  const says = (tile) => [tile.querySelector(".word strong")?.textContent ?? "", tile.querySelector(".word p")?.textContent ?? ""];
  new MutationObserver((changes) => {
    for (const { type, attributeName, target, oldValue, addedNodes } of changes) {
      if (attributeName === "data-camera") {
        painted((at) => turned.set(target, at));
      } else if (type === "attributes" && target.dataset.camera !== undefined && target.dataset.state !== oldValue) {
        const seen = [target.dataset.camera, oldValue, target.dataset.state, glass.last.get(target.dataset.camera)?.at ?? null];
        painted((at) => glass.states.push([at, ...seen, ...says(target)]));
      }
      for (const node of addedNodes) {
        if (!(node instanceof HTMLElement)) continue;
        for (const video of node.matches("video") ? [node] : node.querySelectorAll("video")) follow(video);
        for (const row of node.matches("[data-testid=alarm-row]") ? [node] : node.querySelectorAll("[data-testid=alarm-row]")) {
          painted((at) => glass.rows.push([row.dataset.eventId, at]));
        }
      }
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state", "data-camera"], attributeOldValue: true });
}
