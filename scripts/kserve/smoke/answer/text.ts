import { z } from 'zod';

/**
 * Errors: MLServer's `{"error": …}`, FastAPI's `{"detail": …}`, vLLM's `{"error": {"message": …}}` or its inner object.
 */
const errorSchema = z.union([
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({ object: z.literal('error'), message: z.string() }).transform(({ message }) => message),
  z.object({ detail: z.unknown() }).transform(({ detail }) => detail),
]);

/** A clause that no `wanted` came, with the server's own message where it sent one. */
export function notAnAnswer(wanted: string, answer: unknown): string {
  const error = errorSchema.safeParse(answer);
  return error.success ? `the server says ${show(error.data)}` : `no ${wanted} but ${show(answer)}`;
}

/** As JSON, cut to 200 characters; also escapes control characters that JSON keeps. */
export function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? String(value);
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return short.replace(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
