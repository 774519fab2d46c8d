// Runs Flowork scripts in JavaScript. `shared`: many calls, each in a context of its own. `once`: one call in the
// process's own context, with everything of Node.js; the host has the next process ready.
'use strict';
const fs = require('node:fs');
const vm = require('node:vm');
const path = require('node:path');
const { createHash } = require('node:crypto');

// Calls come and the harness speaks on CONTROL. A process of one call closes it before the script begins; in a shared one no
// script has a way to descriptors.
const CONTROL = 0;
const DATA = 3;
const FRAME_MAX = 64 << 20;
const SCRIPTS_MAX = 64;
const NAMES = 'items, item, index, vars, secrets, context, log, log_debug, log_info, log_warn, log_error, set_output';

function writeAll(fd, data) {
  let at = 0;
  while (at < data.length) {
    try {
      at += fs.writeSync(fd, data, at, data.length - at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

function put(tag, text, way = DATA) {
  const body = Buffer.from(text, 'utf8');
  const data = Buffer.allocUnsafeSlow(body.length + 5);
  data.writeUInt32BE(body.length + 1, 0);
  data.write(tag, 4, 'latin1');
  body.copy(data, 5);
  writeAll(way, data);
}

function writeLog(level, text) {
  for (const line of String(text).split('\n')) put('l', `${level} ${line}`);
}

function fail(kind, message, { line, detail, item } = {}) {
  if (detail && detail.length > 8192) detail = `…${detail.slice(-8192)}`;
  put('e', JSON.stringify({ kind, message: String(message).slice(0, 4096), line, detail, item }));
}

// The last place in the script that a stack names, and the stack without what is not the script's.
function place(stack) {
  const found = /(?:^|[ (])script:(\d+)/m.exec(stack);
  const shown = String(stack).split('\n').filter((line) => !/harness|node:internal|node:vm/.test(line)).join('\n');
  return { line: found ? Number(found[1]) : undefined, detail: shown };
}

function failWith(error, item) {
  if (error && error.flowork === 'result') return fail('result', error.message, { item });
  if (error === null || typeof error !== 'object' || error.stack === undefined) return fail('error', String(error), { item });
  const { line, detail } = place(String(error.stack));
  const syntax = error.name === 'SyntaxError' && /^script:\d+/.test(String(error.stack));
  const message = syntax ? String(error.message) : `${error.name}: ${error.message}`;
  fail(syntax ? 'syntax' : 'error', message, { line, detail, item });
}

function wrapped(code) {
  // On one line with the code, so that its lines keep their numbers.
  return `(async function (${NAMES}) { ${code}\n})`;
}

// Source of what is compiled inside the script's own realm, so that all it can touch belongs there.
const REALM = `(function (host) {
  'use strict';
  const { stringify, parse } = JSON;
  const string = String;
  const text = (value) => typeof value === 'string' ? value : value instanceof Error ? string(value.stack) : typeof value === 'object' && value !== null ? stringify(value) : string(value);
  const log = (value, level = 'info') => { host.log(string(level), text(value)); };
  const levels = { debug: (value) => log(value, 'debug'), info: (value) => log(value, 'info'), warn: (value) => log(value, 'warn'), error: (value) => log(value, 'error') };
  Object.assign(log, levels);
  class NotItems extends Error { flowork = 'result'; }
  const textOf = (value) => {
    if (value === undefined) return 'null';
    if (typeof value === 'object' && value !== null && typeof value[Symbol.iterator] === 'function' && !Array.isArray(value)) value = [...value];
    let given;
    try { given = stringify(value); } catch (error) { throw new NotItems(error.message); }
    if (given === undefined) throw new NotItems('a ' + typeof value + ' cannot be written as JSON');
    return given;
  };
  const run = async (script, call) => {
    const { items, mode, vars, secrets, context } = parse(call);
    const ports = {}, values = [];
    let at = null;
    const set_output = (port, given) => { (ports[port] ??= []).push('[' + at + ',' + textOf(given) + ']'); };
    try {
      for (const index of mode === 'each' ? items.keys() : [null]) {
        at = index;
        host.at(index);
        const item = index === null ? undefined : items[index];
        values.push(textOf(await script(items, item, index, vars, secrets, context, log, levels.debug, levels.info, levels.warn, levels.error, set_output)));
      }
    } catch (error) {
      return { error };
    }
    return { values, ports };
  };
  return { run, log, text, levels };
})`;
const realm = new vm.Script(REALM, { filename: 'harness-realm' });

function answer({ values, ports }) {
  const named = Object.keys(ports).map((name) => `${JSON.stringify(name)}:[${ports[name].join(',')}]`);
  const body = `{"values":[${values.join(',')}],"ports":{${named.join(',')}}}`;
  if (Buffer.byteLength(body) >= FRAME_MAX) return fail('large', 'too large');
  put('r', body);
}

// ---- shared -------------------------------------------------------------------------------------------------------

const scripts = new Map();

function compiled(code) {
  const digest = createHash('sha256').update(code).digest('base64');
  let script = scripts.get(digest);
  if (!script) {
    script = new vm.Script(wrapped(code), { filename: 'script' });
    if (scripts.size >= SCRIPTS_MAX) scripts.delete(scripts.keys().next().value);
    scripts.set(digest, script);
  }
  return script;
}

// What a context has beside the language itself. Made of functions of that context alone.
const GLOBALS = `(function (host, helpers) {
  'use strict';
  const call = Function.prototype.call.bind(Function.prototype.call);
  const shown = (values) => values.map(helpers.text).join(' ');
  const out = (...values) => { host.print(1, shown(values)); };
  const err = (...values) => { host.print(2, shown(values)); };
  globalThis.console = { log: out, info: out, debug: out, dir: out, warn: err, error: err, trace: err, assert: (ok, ...values) => { if (!ok) err('Assertion failed', ...values); } };
  const timer = (again) => (callback, ms = 0, ...values) => {
    if (typeof callback !== 'function') throw new TypeError('a timer needs a function');
    return host.timer(() => { callback(...values); }, Number(ms) || 0, again);
  };
  globalThis.setTimeout = timer(false);
  globalThis.setInterval = timer(true);
  globalThis.setImmediate = (callback, ...values) => globalThis.setTimeout(callback, 0, ...values);
  globalThis.clearTimeout = globalThis.clearInterval = globalThis.clearImmediate = (id) => { host.clear(Number(id)); };
  globalThis.queueMicrotask = (callback) => { Promise.resolve().then(callback); };
  globalThis.btoa = (text) => host.btoa(String(text));
  globalThis.atob = (text) => host.atob(String(text));
})`;
const globals = new vm.Script(GLOBALS, { filename: 'harness-globals' });

let current = null;

async function sharedCall(text) {
  const head = JSON.parse(text);
  const state = { open: true, timers: new Map(), next: 1, at: null };
  current = state;
  const host = Object.assign(Object.create(null), {
    log: (level, line) => { if (state.open) writeLog(level, line); },
    at: (index) => { state.at = index; },
    print: (fd, line) => { if (state.open) writeAll(fd, Buffer.from(`${line}\n`)); },
    timer: (callback, ms, again) => {
      const id = state.next++;
      const fire = () => {
        if (!again) state.timers.delete(id);
        callback();
      };
      if (state.open) state.timers.set(id, again ? setInterval(fire, ms) : setTimeout(fire, ms));
      return id;
    },
    clear: (id) => { clearTimeout(state.timers.get(id)); state.timers.delete(id); },
    btoa: (value) => btoa(value),
    atob: (value) => atob(value),
  });
  let outcome;
  try {
    const script = compiled(head.code);
    const context = vm.createContext(Object.create(null), { name: 'script' });
    const helpers = realm.runInContext(context)(host);
    globals.runInContext(context)(host, helpers);
    outcome = await Promise.race([
      helpers.run(script.runInContext(context), text),
      new Promise((resolve) => { state.thrown = (error) => resolve({ error }); }),
    ]);
  } catch (error) {
    outcome = { error };
  }
  // From here on nothing that the script left behind may act.
  state.open = false;
  for (const timer of state.timers.values()) clearTimeout(timer);
  current = null;
  if ('error' in outcome) failWith(outcome.error, state.at ?? undefined);
  else answer(outcome);
}

// ---- once ---------------------------------------------------------------------------------------------------------

async function onceCall(text, script, broken) {
  if (broken) return failWith(broken);
  const call = JSON.parse(text);
  process.chdir(call.dir);
  let done = false;
  let at;
  const end = (outcome) => {
    if (done) return;
    done = true;
    if ('error' in outcome) failWith(outcome.error, at);
    else answer(outcome);
  };
  const host = { log: writeLog, at: (index) => { at = index ?? undefined; } };
  current = { thrown: (error) => end({ error }) };
  process.on('exit', (code) => {
    if (done) return;
    done = true;
    if (code) fail('exit', `status ${code}`, { item: at });
    else answer({ values: [], ports: {} });
  });
  globalThis.require = require('node:module').createRequire(path.join(call.dir, 'script'));
  end(await realm.runInThisContext()(host).run(script, text));
}

// -------------------------------------------------------------------------------------------------------------------

process.on('unhandledRejection', (error) => current?.thrown?.(error));
process.on('uncaughtException', (error) => current?.thrown?.(error));

function listen(onCall) {
  let parts = [];
  let have = 0;
  const socket = new (require('node:net').Socket)({ fd: CONTROL, readable: true, writable: false });
  socket.on('data', (data) => {
    parts.push(data);
    have += data.length;
    if (have < 4) return;
    if (parts[0].length < 4) parts = [Buffer.concat(parts)];
    const size = parts[0].readUInt32BE(0);
    if (have < size + 4) return;
    const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts = [];
    have = 0;
    onCall(whole.toString('utf8', 5, size + 4), socket);
  });
  socket.on('end', () => process.exit(0));
  socket.on('error', () => process.exit(0));
  return socket;
}

if (process.argv[2] === 'shared') {
  listen(async (text) => {
    await sharedCall(text);
    put('y', '', CONTROL);
  });
  put('y', '', CONTROL);
} else {
  let script = null;
  let broken = null;
  try {
    const code = fs.readFileSync(path.join(__dirname, 'script'), 'utf8');
    const loader = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
    script = new vm.Script(wrapped(code), { filename: 'script', importModuleDynamically: loader }).runInThisContext();
  } catch (error) {
    broken = error;
  }
  listen(async (text, socket) => {
    socket.removeAllListeners();
    socket.destroy();
    // Node.js leaves the first three open.
    fs.closeSync(CONTROL);
    // The lowest descriptor that is free: programs that the script starts find an empty input.
    fs.openSync('/dev/null', 'r');
    await onceCall(text, script, broken);
    // Timers and sockets of the script must not hold the process.
    process.exit(0);
  });
  put('y', 'once', CONTROL);
}
