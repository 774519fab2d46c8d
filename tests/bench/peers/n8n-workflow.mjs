// The comparison's workflow for n8n: a webhook, ten Set nodes with an expression each, the last one's items as answer.
const STEPS = 10;
const id = (n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

const nodes = [
  {
    id: id(0),
    name: "Webhook",
    type: "n8n-nodes-base.webhook",
    typeVersion: 2,
    position: [0, 0],
    webhookId: id(0),
    parameters: { httpMethod: "POST", path: "bench", responseMode: "lastNode", options: {} },
  },
];
const connections = {};
for (let n = 1; n <= STEPS; n += 1) {
  const source = n === 1 ? "$json.body.a" : `$json.s${n - 1}`;
  nodes.push({
    id: id(n),
    name: `Set ${n}`,
    type: "n8n-nodes-base.set",
    typeVersion: 3.4,
    position: [n * 200, 0],
    parameters: {
      assignments: { assignments: [{ id: id(100 + n), name: `s${n}`, value: `={{ ${source} + 1 }}`, type: "number" }] },
      includeOtherFields: true,
      options: {},
    },
  });
  connections[n === 1 ? "Webhook" : `Set ${n - 1}`] = { main: [[{ node: `Set ${n}`, type: "main", index: 0 }]] };
}
const workflow = {
  id: "floworkbench01",
  name: "bench",
  active: false,
  nodes,
  connections,
  settings: { executionOrder: "v1", saveDataSuccessExecution: "all" },
};
process.stdout.write(`${JSON.stringify([workflow])}\n`);
