// Makes a context fit for expressions: time and chance come from the step, nothing compiles text, and (unless the context
// serves one run only) everything that two jobs could both reach is frozen. Evaluated once per context; gives the host
// its tools, which scripts cannot reach.
(function (host, shared) {
  "use strict";
  const { freeze, getPrototypeOf, getOwnPropertyDescriptor, defineProperty } = Object;
  const { ownKeys, construct } = Reflect;
  const RealDate = Date;
  const parse = JSON.parse;

  // The clock.
  let now = 0;
  function StepDate(...args) {
    if (new.target === undefined) return new RealDate(now).toString();
    return construct(RealDate, args.length === 0 ? [now] : args, new.target);
  }
  defineProperty(StepDate, "name", { value: "Date" });
  defineProperty(StepDate, "length", { value: 7 });
  StepDate.prototype = RealDate.prototype;
  StepDate.now = () => now;
  StepDate.parse = RealDate.parse;
  StepDate.UTC = RealDate.UTC;
  defineProperty(RealDate.prototype, "constructor", { value: StepDate, writable: true, configurable: true });
  globalThis.Date = StepDate;

  // Chance: sfc32, seeded by the step.
  let a = 0, b = 0, c = 0, d = 1;
  Math.random = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return (t >>> 0) / 4294967296;
  };

  // Text is never compiled, and nothing tells time or memory.
  const refuse = function () {
    throw new TypeError("code cannot be made from text here");
  };
  for (const sample of [function () {}, function* () {}, async function () {}, async function* () {}]) {
    defineProperty(getPrototypeOf(sample), "constructor", { value: refuse });
  }
  for (const name of ["eval", "Function", "performance", "WeakRef", "FinalizationRegistry", "Atomics", "SharedArrayBuffer",
                      "queueMicrotask", "navigator", "gc", "print", "scriptArgs"]) {
    delete globalThis[name];
  }
  for (const name of ["prepareStackTrace", "stackTraceLimit"]) delete Error[name];

  // What other steps gave.
  let cache = new Map();
  function frozen(value) {
    const left = [value];
    while (left.length > 0) {
      const next = left.pop();
      if (typeof next !== "object" || next === null || Object.isFrozen(next)) continue;
      freeze(next);
      for (const key of ownKeys(next)) left.push(next[key]);
    }
    return value;
  }
  const mine = shared ? frozen : (value) => value;
  function all(name, port) {
    const key = port === undefined ? name : name + "\0" + port;
    let items = cache.get(key);
    if (items === undefined) {
      const [error, text] = host.given(name, port);
      if (error) throw new Error(error);
      items = mine(parse(text));
      cache.set(key, items);
    }
    return items;
  }
  function paired(name) {
    const [error, text] = host.paired(name);
    if (error) throw new Error(error);
    return parse(text);
  }
  const $ = (name) => {
    name = String(name);
    return freeze({
      get item() { return paired(name); },
      get json() { return paired(name).json; },
      first: (port) => all(name, port)[0],
      last: (port) => { const items = all(name, port); return items[items.length - 1]; },
      all: (port) => all(name, port),
    });
  };

  function secrets(values) {
    return new Proxy(freeze(values), {
      get(target, name) {
        if (typeof name === "symbol" || Object.hasOwn(target, name)) return target[name];
        throw new Error(host.secret(name));
      },
    });
  }

  const tools = {
    begin(at, s1, s2, s3, fresh) {
      now = at;
      a = s1; b = s2; c = s3; d = 1;
      for (let i = 0; i < 12; i++) Math.random();
      if (fresh) cache = new Map();
    },
    frozen: mine,
    now: () => new RealDate(now),
    secrets,
    $: freeze($),
  };

  if (!shared) {
    const write = (level) => (...values) => host.log(level, values.map(shown).join(" "));
    const shown = (value) => {
      if (typeof value === "string") return value;
      if (value instanceof Error) return value.stack ? `${value}\n${value.stack}` : String(value);
      try { return JSON.stringify(value) ?? String(value); } catch { return String(value); }
    };
    globalThis.console = {
      log: write("info"), info: write("info"), debug: write("debug"), warn: write("warn"), error: write("error"),
    };
    globalThis.log = write("info");
    return tools;
  }

  const seen = new Set();
  const left = [globalThis, $, StepDate, RealDate, refuse,
    function* () {}, async function () {}, async function* () {}, (function* () {})(), (async function* () {})(),
    [][Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](), ""[Symbol.iterator](),
    "".matchAll(/a/g), (function () { return arguments; })()];
  if (typeof Iterator === "function") {
    left.push([].values().map((value) => value), Iterator.from({ next() { return { done: true }; } }));
  }
  while (left.length > 0) {
    const next = left.pop();
    if ((typeof next !== "object" && typeof next !== "function") || next === null || seen.has(next)) continue;
    seen.add(next);
    left.push(getPrototypeOf(next));
    for (const key of ownKeys(next)) {
      const property = getOwnPropertyDescriptor(next, key);
      left.push(property.value, property.get, property.set);
    }
  }
  for (const each of seen) freeze(each);
  return tools;
})
