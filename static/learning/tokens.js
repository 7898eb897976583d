/* Feedback tokens, made on a server (Node 18+) from its secret key. A page that shows one output gets one token, and
   needs no key. Never import this in a page: whoever reads the page would have the secret key.

   import { mintFeedbackToken } from "./tokens.js";
   const token = mintFeedbackToken(process.env.AGENT_LEARNING_KEY, { agent: "support", execution: "exec-1" });  */

import { createHash, createHmac, randomBytes } from "node:crypto";

const LONGEST = 24 * 3600; // seconds
const names = (value) => typeof value === "string" && value.length >= 1 && value.length <= 200;

/** `lifetime` in seconds. Throws RangeError for what the server would refuse. The format: docs/integrator.md. */
export function mintFeedbackToken(secretKey, { agent, execution, types, user, lifetime = 3 * 3600, now = Date.now() }) {
  if (!secretKey?.startsWith("sk_")) throw new RangeError("Only a secret key (sk_...) signs tokens.");
  if (!(lifetime > 0 && lifetime <= LONGEST)) throw new RangeError(`A token lives from 1 to ${LONGEST} seconds.`);
  if (![agent, execution, user || "-", ...(types ?? [])].every(names)) throw new RangeError("Names have 1 to 200 characters.");
  if (types && !(types.length >= 1 && types.length <= 20)) throw new RangeError("Name 1 to 20 types, or none.");
  const claims = {
    key: secretKey.slice(0, 10),
    agent_id: agent,
    execution_id: execution,
    expires: Math.floor(now / 1000 + lifetime),
    nonce: randomBytes(9).toString("base64url"),
    types,
    user_id: user || undefined,
  };
  const signed = `ft_${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
  const digest = createHash("sha256").update(secretKey).digest("hex");
  const signingKey = createHash("sha256").update(`feedback-token:${digest}`).digest();
  return `${signed}.${createHmac("sha256", signingKey).update(signed).digest("base64url")}`;
}
