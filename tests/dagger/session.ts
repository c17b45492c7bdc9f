/**
 * A Dagger engine session that runs nothing: it accepts a module's queries over HTTP as the engine does, checks each
 * against the engine's schema, records the requests and responds as the test specifies.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  buildSchema,
  execute,
  extendSchema,
  type GraphQLArgument,
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLType,
  getNamedType,
  isLeafType,
  isListType,
  isNonNullType,
  parse,
  validate,
} from 'graphql';

export const engineSchema = buildSchema(readFileSync(new URL('schema.graphqls', import.meta.url), 'utf8'));

/** What an engine adds for a module with the dependency dagger/program. */
export const schema = extendSchema(
  engineSchema,
  parse(`
    type ModelcarsProgram { files: Directory! id: ID! }
    extend type Query { modelcarsProgram: ModelcarsProgram! }
  `),
);

/** One call of the API; an ID among its arguments is the object itself. */
export interface Call {
  field: string;
  args: Record<string, unknown>;
}

/** An object of the API: the calls from the root that lead to it. */
export interface Recorded {
  type: string;
  calls: Call[];
}

/** A value that a module requested: `stdout` of a container, `sync` of a directory. */
export interface Asked {
  object: Recorded;
  field: string;
  args: Record<string, unknown>;
}

/** Returns the value of a field; undefined means an empty value of its type. */
export type Answer = (asked: Asked) => unknown;

/** A failed command of a container: throw it in an Answer. */
export class ExecFailure extends GraphQLError {
  constructor(cmd: string[], exitCode: number, stdout: string, stderr: string) {
    super(`process "${cmd.join(' ')}" did not complete successfully: exit code: ${exitCode}`, {
      extensions: { _type: 'EXEC_ERROR', cmd, exitCode, stdout, stderr },
    });
  }
}

export interface Session extends AsyncDisposable {
  /** DAGGER_SESSION_PORT and DAGGER_SESSION_TOKEN, by which an SDK finds it. */
  env: { DAGGER_SESSION_PORT: string; DAGGER_SESSION_TOKEN: string };
  /** The text of every valid query. */
  queries: string[];
  /** The errors of the invalid ones. */
  refused: string[];
  asked: Asked[];
  answer: Answer;
  /** The object of an ID that was handed out. */
  object(id: string): Recorded;
  /** An ID for an object, as for arguments from the command line. */
  id(object: Recorded): string;
}

/** Starts a session on a free port of the loopback interface. */
export async function startSession(): Promise<Session> {
  const token = randomBytes(16).toString('hex');
  const objects = new Map<string, Recorded>();
  const session: Session = {
    env: { DAGGER_SESSION_PORT: '', DAGGER_SESSION_TOKEN: token },
    queries: [],
    refused: [],
    asked: [],
    answer: () => undefined,
    object(id) {
      const object = objects.get(id);
      if (!object) throw new GraphQLError(`no object has the ID ${id}`);
      return object;
    },
    id(object) {
      const id = createHash('sha256').update(JSON.stringify(object)).digest('base64url');
      objects.set(id, object);
      return id;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer(async (request, response) => {
    const authorized = request.headers.authorization === `Basic ${btoa(`${token}:`)}`;
    const [status, body] = authorized ? [200, await respond(session, await queryOf(request))] : [401, {}];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  session.env.DAGGER_SESSION_PORT = String((server.address() as AddressInfo).port);
  return session;
}

async function queryOf(request: IncomingMessage): Promise<string> {
  if (request.method !== 'POST' || request.url !== '/query') return '';
  return (JSON.parse(await text(request)) as { query: string }).query;
}

async function respond(session: Session, query: string): Promise<object> {
  try {
    const document = parse(query);
    const errors = validate(schema, document);
    if (errors.length > 0) throw errors[0];
    session.queries.push(query);
    return await execute({
      schema,
      document,
      rootValue: { type: 'Query', calls: [] } satisfies Recorded,
      fieldResolver: resolver(session),
      typeResolver: (value) => (value as Recorded).type,
    });
  } catch (error) {
    session.refused.push(`${String(error)}\n${query}`);
    return { errors: [{ message: String(error) }] };
  }
}

function resolver(session: Session): GraphQLFieldResolver<Recorded, unknown> {
  return (object, given, _context, info) => {
    const field = info.fieldName;
    const defined = info.parentType.getFields()[field]?.args ?? [];
    try {
      if (field === 'node') return session.object(String(given.id));
      // The arguments in the query, without the schema's defaults.
      const said = info.fieldNodes.flatMap((node) => node.arguments ?? []).map(({ name }) => name.value);
      const args: Record<string, unknown> = {};
      for (const name of said) {
        const argument = defined.find((one) => one.name === name);
        args[name] = loaded(session, given[name], argument);
      }
      if (field === 'id') return session.id(object);
      const type = getNamedType(info.returnType);
      if (isLeafType(type) || isList(info.returnType)) {
        const asked = { object, field, args };
        session.asked.push(asked);
        const answer = session.answer(asked);
        if (answer !== undefined) return answer;
        return field === 'sync' ? session.id(object) : emptyOf(info.returnType);
      }
      return { type: type.name, calls: [...object.calls, { field, args }] } satisfies Recorded;
    } catch (error) {
      if (!(error instanceof ExecFailure)) session.refused.push(String(error));
      throw error;
    }
  };
}

/** Replaces IDs by their objects, which must have the type that the schema expects. */
function loaded(session: Session, value: unknown, argument: GraphQLArgument | undefined): unknown {
  if (!argument || getNamedType(argument.type).name !== 'ID' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => loaded(session, item, argument));
  const object = session.object(String(value));
  const directive = argument.astNode?.directives?.find(({ name }) => name.value === 'expectedType');
  const expected = directive?.arguments?.[0]?.value;
  if (expected?.kind === 'StringValue' && expected.value !== object.type)
    throw new GraphQLError(`${argument.name} must be a ${expected.value}, not a ${object.type}`);
  return object;
}

function isList(type: GraphQLType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

function emptyOf(type: GraphQLType): unknown {
  if (isList(type)) return [];
  const { name } = getNamedType(type);
  return name === 'Boolean' ? false : name === 'Int' || name === 'Float' ? 0 : name === 'JSON' ? '{}' : '';
}
