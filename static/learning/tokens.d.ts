import type { FeedbackType } from "./client.js";

/** On servers alone. `lifetime` in seconds, 3 hours unless given, at most 24 hours. Throws RangeError. */
export function mintFeedbackToken(
  secretKey: string,
  about: { agent: string; execution: string; types?: FeedbackType[]; user?: string; lifetime?: number; now?: number },
): string;
