// The comparison's flow for Node-RED: HTTP in, ten Change nodes with a JSONata expression each, HTTP response.
const STEPS = 10;
const flow = [
  { id: "tab", type: "tab", label: "bench" },
  { id: "in", type: "http in", z: "tab", url: "/bench", method: "post", x: 100, y: 40, wires: [["c1"]] },
];
for (let n = 1; n <= STEPS; n += 1) {
  const source = n === 1 ? "payload.a" : `payload.s${n - 1}`;
  flow.push({
    id: `c${n}`,
    type: "change",
    z: "tab",
    rules: [{ t: "set", p: `payload.s${n}`, pt: "msg", to: `${source} + 1`, tot: "jsonata" }],
    x: 100 + n * 100,
    y: 40,
    wires: [[n === STEPS ? "out" : `c${n + 1}`]],
  });
}
flow.push({ id: "out", type: "http response", z: "tab", x: 1300, y: 40, wires: [] });
process.stdout.write(`${JSON.stringify(flow)}\n`);
