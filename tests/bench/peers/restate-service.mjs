// The comparison's service for Restate: a handler with ten journaled steps, and one with none.
import * as http2 from "node:http2";
import * as restate from "@restatedev/restate-sdk";

const STEPS = 10;
const service = restate.service({
  name: "bench",
  handlers: {
    ten: async (ctx, input) => {
      let value = input.a;
      for (let n = 1; n <= STEPS; n += 1) {
        const before = value;
        value = await ctx.run(`s${n}`, () => before + 1);
      }
      return { ...input, value };
    },
    empty: async (_ctx, input) => input,
  },
});
const handler = restate.createEndpointHandler({ services: [service] });
http2.createServer(handler).listen(Number(process.argv[2]), "127.0.0.1");
