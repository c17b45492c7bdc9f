import { spawn } from 'node:child_process';
import { z } from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';

const mostOutput = 1024 * 1024;
/** Go's crypto.SHA256, as the protocol has it. */
const sha256 = 5;

const answerSchema = z.object({
  errorMessage: z.string().optional(),
  publicKey: z.object({ publicKeyPEM: z.base64() }).optional(),
  signMessage: z.object({ signature: z.base64() }).optional(),
});
type PluginAnswer = z.infer<typeof answerSchema>;

/**
 * A key in a key management service, by Sigstore's plug-in protocol v1 (github.com/sigstore/sigstore,
 * pkg/signature/kms/cliplugin): for `NAME://ID`, the program `sigstore-kms-NAME` on PATH gets its arguments as JSON, the
 * message on standard input, and answers JSON. `cosign --key NAME://ID` uses the same program.
 */
export class KmsPlugin {
  readonly #reference: string;
  readonly #program: string;
  readonly #options: object;
  readonly #signal: AbortSignal | undefined;

  constructor(reference: string, signal?: AbortSignal) {
    const [name = '', id = ''] = reference.split(/:\/\/(.*)/s, 2);
    this.#reference = reference;
    this.#program = `sigstore-kms-${name}`;
    this.#options = { protocolVersion: 'v1', keyResourceID: id, hashFunc: sha256, rpcOptions: {} };
    this.#signal = signal;
  }

  /** The public key, PEM. */
  async publicKey(): Promise<string> {
    const { publicKey } = await this.#call({ methodName: 'publicKey', publicKey: { publicKeyOptions: {} } });
    if (publicKey === undefined) throw this.#failure('it returned no public key');
    return Buffer.from(publicKey.publicKeyPEM, 'base64').toString('utf8');
  }

  /** The signature of a message's SHA-256. */
  async sign(message: Uint8Array): Promise<Buffer> {
    const method = { methodName: 'signMessage', signMessage: { signOptions: {} } };
    const { signMessage } = await this.#call(method, message);
    if (signMessage === undefined) throw this.#failure('it returned no signature');
    return Buffer.from(signMessage.signature, 'base64');
  }

  async #call(method: object, input: Uint8Array = Buffer.alloc(0)): Promise<PluginAnswer> {
    const output = await this.#run(JSON.stringify({ initOptions: this.#options, ...method }), input);
    let answer: PluginAnswer;
    try {
      answer = answerSchema.parse(JSON.parse(output));
    } catch (cause) {
      throw this.#failure('its answer is not that of a key plug-in', cause);
    }
    if (answer.errorMessage) throw this.#failure(plain(answer.errorMessage, 400));
    return answer;
  }

  /** Standard output of the program; its exit code says nothing by the protocol. */
  async #run(argument: string, input: Uint8Array): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const child = spawn(this.#program, ['v1', argument], {
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(this.#signal && { signal: this.#signal }),
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.length > mostOutput) child.kill();
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT';
      reject(
        missing ? this.#missing(cause) : this.#failure(`${this.#program} did not run (${cause.code})`, cause),
      );
    });
    child.on('close', () => resolve(output));
    // A plug-in that ends without reading its input is judged by its answer.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    return await promise;
  }

  #missing(cause: Error): ModelcarsError {
    return new ModelcarsError('trust', `use key ${this.#reference}: ${this.#program} is not on PATH`, {
      cause,
      next: "install the key service's plug-in for Sigstore, or pass the path of a key file",
    });
  }

  #failure(problem: string, cause?: unknown): ModelcarsError {
    return new ModelcarsError('trust', `use key ${this.#reference}: ${this.#program}: ${problem}`, {
      cause,
      next: `check the plug-in with \`cosign public-key --key ${this.#reference}\``,
    });
  }
}
