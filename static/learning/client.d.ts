/** A client of the HTTP API for browsers and Node 18+. Answers keep the API's own names. */

export type FeedbackType =
  | "thumbs_up" | "thumbs_down" | "star_rating" | "detailed_feedback" | "correction" | "report_issue";

/** RFC 9457. */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  errors?: FieldError[];
}
export interface FieldError {
  field: string;
  message: string;
}

/** What went wrong. `status` is 0 when no answer came; `retryAfter` in seconds, 0 when the server named none. */
export class AgentLearningError extends Error {
  constructor(message: string, about?: Partial<Pick<AgentLearningError, "status" | "problem" | "errors" | "retryAfter">>);
  readonly status: number;
  readonly problem: Problem;
  readonly errors: FieldError[];
  readonly retryAfter: number;
  /** Whether the same request may succeed later. */
  get temporary(): boolean;
}
/** No answer came. */
export class UnreachableError extends AgentLearningError {}
/** 400, 413, 415. */
export class InvalidError extends AgentLearningError {}
/** 401. */
export class UnauthenticatedError extends AgentLearningError {
  get expired(): boolean;
}
/** 403. */
export class ForbiddenError extends AgentLearningError {}
/** 404. */
export class NotFoundError extends AgentLearningError {}
/** 409. */
export class ConflictError extends AgentLearningError {}
/** 429. */
export class TooManyError extends AgentLearningError {}
/** 5xx. */
export class ServerError extends AgentLearningError {}

export interface CallOptions {
  signal?: AbortSignal;
}
export interface ClientOptions {
  /** "/api/learning/" of the page's own origin unless given; Node needs a whole address. */
  endpoint?: string;
  /** pk_... in pages, sk_... on servers. Without key and token a page of the same origin acts as who is signed in. */
  key?: string;
  /** A feedback token (ft_...) instead of a key: opens feedback on one output. */
  token?: string;
  /** Milliseconds for each try; 15,000 unless given. */
  timeout?: number;
  /** Tries after the first one; 2 unless given. */
  retries?: number;
  /** The CSRF token for requests without key and token; read from the cookie unless given. */
  csrf?: () => string;
}

/** What an agent knows now. */
export interface Situation {
  /** What the work began with. */
  request: string;
  /** What came last; left out for the request itself. */
  observation?: string;
  source?: "user" | "tool";
  /** [action, failed] of each action until now. */
  past?: [string, boolean][];
}
/** What a policy update taught an agent; empty without one. */
export class Behavior {
  constructor(content?: Record<string, unknown>);
  /** What was used of it: demonstrations shown by their ids, actions that a rule forbade. */
  readonly applied: { demonstrations?: string[]; forbidden?: string[] };
  /** The likely next actions with their probabilities, the likeliest first, without what the rules forbid. */
  suggest(situation: Situation): Map<string, number>;
  /** The rule that the action would break now; "" when there is none. */
  forbids(action: string, situation: Situation): string;
  /** The demonstrated steps whose situation is most alike, the best first. */
  demonstrations(situation: Situation, most?: number): Record<string, unknown>[];
  /** A chat with the most alike demonstrations before its last turn. */
  messages<Turn extends { role: string }>(messages: Turn[], situation: Situation): (Turn | ChatMessage)[];
}
export interface Improvement {
  id: string;
  /** For the system prompt. */
  instruction: string;
  [more: string]: unknown;
}
export interface LearnedOptions extends BatchOptions {
  /** Milliseconds for which improvements are not asked for again; 300,000 unless given. */
  ttl?: number;
  /** Share of the users that go without each improvement; 0.1 unless given. */
  holdout?: number;
}
/** One agent with what was learned about it. Keep it: it remembers the improvements. */
export class LearningAgent {
  /** The last known ones while the server is away; never rejects for the server's sake. */
  improvements(): Promise<Improvement[]>;
  /** Asks for the config, adds the improvements, calls `answer` and logs the run in the background. */
  runWithLearning(
    answer: (config: AgentConfig) => string | Promise<string>, input: string,
    options?: CallOptions & Omit<Execution, "agent" | "input" | "output" | "config"> & { session?: string; default?: AgentConfig },
  ): Promise<string>;
  /** Sends the runs that wait. */
  flush(): Promise<void>;
  /** Before the process ends. */
  close(): Promise<void>;
}

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}
export class AgentConfig {
  readonly id: string;
  readonly number: number;
  readonly content: { model: string; parameters?: Record<string, unknown> } & Record<string, unknown>;
  /** Empty outside of a running experiment. */
  readonly variant: string;
  readonly experimentId: string | null;
  readonly deploymentId: string | null;
  get model(): string;
  get parameters(): Record<string, unknown>;
  get behavior(): Behavior;
  /** The chat to send to the model for one input. */
  messages(input: string): ChatMessage[];
}

export interface Decision {
  decision_point: string;
  input?: unknown;
  output?: unknown;
  reasoning?: string;
  confidence?: number;
  alternatives?: unknown[];
}
export interface Execution {
  agent: string;
  /** Your name for the run; made up when left out. */
  execution?: string;
  /** A pseudonym, never a name or an e-mail. */
  user?: string;
  input?: string;
  output?: string;
  /** What configFor gave. */
  config?: AgentConfig;
  status?: string;
  durationMs?: number;
  inputTokens?: number;
  outputTokens?: number;
  cost?: number;
  /** 0 to 1. */
  confidence?: number;
  startedAt?: Date | string;
  context?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  decisions?: Decision[];
}
export interface Feedback {
  type: FeedbackType;
  /** May be left out when the execution is known already, or with a token. */
  agent?: string;
  execution?: string;
  user?: string;
  /** 1 to 5, like the four after it. */
  rating?: number;
  accuracy?: number;
  helpfulness?: number;
  clarity?: number;
  completeness?: number;
  text?: string;
  /** The whole answer as it should have been. */
  correction?: string;
  categories?: string[];
  /** false: counted, never learned from. */
  consent?: boolean;
  /** The same key with the same content is stored once; made up when left out. */
  idempotencyKey?: string;
}
export interface StoredExecution {
  execution_id: string;
  id: string;
  success: boolean;
}
export interface StoredFeedback {
  feedback_id: string;
  success: boolean;
}
export interface BatchAnswer {
  results: { index: number; status: number; id?: string; errors?: FieldError[] }[];
}

/** Who met which variant; `at` is now unless given. */
export interface Exposure {
  experiment: string;
  unit: string;
  variant: string;
  at?: Date;
}
/** What decides who gets what: docs/assignment.md. */
export interface Ruleset {
  buckets: number;
  agents: unknown[];
  layers: Record<string, unknown>;
  configs: Record<string, unknown>;
}

export interface BatchOptions {
  /** Items to a request; 100 unless given, at most 1,000. */
  size?: number;
  /** Milliseconds after which a smaller batch goes out; 1,000 unless given. */
  every?: number;
  /** Items that may wait; 10,000 unless given. */
  limit?: number;
  /** Milliseconds for which temporary faults are tried again; 60,000 unless given. */
  patience?: number;
}
/** Collects items and sends them together. */
export class Batcher<Item = unknown> {
  constructor(send: (items: Item[]) => Promise<BatchAnswer>, options?: BatchOptions);
  get waiting(): number;
  /** Rejects with the reason when this one item was refused. */
  add(item: Item): Promise<{ id: string }>;
  /** Resolves when all that waited was answered or given up; never rejects. */
  flush(): Promise<void>;
  /** Flushes, and takes nothing more. */
  close(): Promise<void>;
}

export interface Page<Row> {
  results: Row[];
  next: string | null;
}
export interface Interval {
  low: number | null;
  high: number | null;
}
/** The names that clients rely on; the server may tell more. */
export interface FeedbackStats {
  total_feedback: number;
  avg_rating: number | null;
  satisfaction_rate: number | null;
  satisfaction_interval?: Interval | null;
  thumbs_up_count: number;
  thumbs_down_count: number;
  feedback_by_type: Record<FeedbackType, number>;
  [more: string]: unknown;
}
export interface CommonIssues {
  issues: { category: string; count: number; avg_rating: number | null }[];
  [more: string]: unknown;
}
export interface LearningStats {
  pending_annotations: number;
  annotated_today: number;
  total_examples: number;
  active_experiments: number;
  running_training: number;
}
export interface QueueItem {
  slot: string;
  status: string;
  stage: string;
  example_id: string;
  agent_id: string;
  example_type: string;
  domain: string;
  input_text: string;
  original_output: string;
  expected_output: string;
  waiting_since: string;
  [more: string]: unknown;
}
export interface AnnotationQueue {
  queue: QueueItem[];
  /** Counted up to 1,000; `more` says that there are more. */
  total: number;
  more: boolean;
  next: string | null;
}
export interface QueueFilters {
  status?: string;
  domain?: string;
  agent?: string;
  queue?: string;
  limit?: number;
  after?: string;
}
export interface NewAnnotation {
  decision: "approve" | "reject" | "request_changes";
  slot?: string;
  lease_token?: string;
  example_id?: string;
  expert?: string;
  /** 0 to 1, like the other three. */
  technical_accuracy?: number;
  professional_quality?: number;
  completeness?: number;
  clarity?: number;
  corrected_output?: string;
  notes?: string;
  [more: string]: unknown;
}
export interface Demonstration {
  agent: string;
  input: string;
  output: string;
  [more: string]: unknown;
}
export interface Row {
  id: string;
  [more: string]: unknown;
}
export interface TrainingRun extends Row {
  name: string;
  status: "pending" | "running" | "completed" | "failed" | "cancelled";
  progress_percentage: number;
}
export interface NewTrainingRun {
  agent: string;
  dataset_version_id?: string;
  base_config_id?: string;
  training_type?: string;
  name?: string;
  config?: Record<string, unknown>;
  seed?: number;
}
export interface PromptOptimization {
  agent: string;
  goals?: string[];
  max_calls?: number;
  metric?: string;
}
export interface StartedRun {
  run_id: string;
  status: string;
  url: string;
}
export interface NewExperiment {
  agent: string;
  name: string;
  hypothesis?: string;
  candidate_config_id?: string;
  control_config_id?: string;
  variants?: { key: string; config_id: string; percentage: number; is_control?: boolean }[];
  [more: string]: unknown;
}
export interface Experiment extends Row {
  name: string;
  status: string;
}
export interface ListQuery {
  agent_id?: string;
  status?: string;
  limit?: number;
  [more: string]: string | number | boolean | undefined;
}

export class AgentLearning {
  constructor(options?: ClientOptions);
  get<Answer = unknown>(path: string, query?: object, options?: CallOptions): Promise<Answer>;
  post<Answer = unknown>(path: string, body?: object, options?: CallOptions & { key?: string }): Promise<Answer>;
  /** The rows of a list, page after page. */
  each<One = Row>(path: string, query?: object, options?: CallOptions): AsyncGenerator<One, void, undefined>;
  logExecution(run: Execution, options?: CallOptions): Promise<StoredExecution>;
  sendFeedback(feedback: Feedback, options?: CallOptions & { keepalive?: boolean }): Promise<StoredFeedback>;
  logExecutions(runs: Execution[], options?: CallOptions): Promise<BatchAnswer>;
  sendFeedbackBatch(list: Feedback[], options?: CallOptions): Promise<BatchAnswer>;
  executionBatch(options?: BatchOptions): Batcher<Execution>;
  feedbackBatch(options?: BatchOptions): Batcher<Feedback>;
  configFor(
    agent: string, user: string, options?: CallOptions & { session?: string; execution?: string; expose?: boolean },
  ): Promise<AgentConfig>;
  ruleset(options?: CallOptions & { agent?: string }): Promise<Ruleset>;
  /** At once, by a ruleset; undefined when configFor must be asked. RangeError for a name of over 200 characters. */
  assign(
    rules: Ruleset, agent: string,
    names: { user?: string; session?: string; execution?: string; exposures?: Batcher<Exposure> },
  ): AgentConfig | undefined;
  exposureBatch(options?: BatchOptions): Batcher<Exposure>;
  agent(name: string, options?: LearnedOptions): LearningAgent;
  improvements(agent: string, options?: CallOptions): Promise<Improvement[]>;
  feedbackStats(agent: string, options?: CallOptions & { days?: number }): Promise<FeedbackStats>;
  commonIssues(agent: string, options?: CallOptions & { days?: number }): Promise<CommonIssues>;
  feedbackAnalytics(query?: ListQuery, options?: CallOptions): Promise<Record<string, unknown>>;
  stats(options?: CallOptions): Promise<LearningStats>;
  annotationQueue(filters?: QueueFilters, options?: CallOptions): Promise<AnnotationQueue>;
  nextAnnotation(claim?: { queue?: string; expert?: string }, options?: CallOptions): Promise<Record<string, unknown>>;
  submitAnnotation(annotation: NewAnnotation, options?: CallOptions): Promise<Row>;
  submitDemonstration(given: Demonstration, options?: CallOptions): Promise<Row>;
  trainingDatasets(query?: ListQuery, options?: CallOptions): Promise<Page<Row>>;
  trainingRuns(query?: ListQuery, options?: CallOptions): Promise<Page<TrainingRun>>;
  trainingRun(id: string, options?: CallOptions): Promise<TrainingRun>;
  createTrainingRun(run: NewTrainingRun, options?: CallOptions): Promise<TrainingRun>;
  cancelTrainingRun(id: string, options?: CallOptions): Promise<TrainingRun>;
  optimizePrompt(wanted: PromptOptimization, options?: CallOptions): Promise<StartedRun>;
  experiments(query?: ListQuery, options?: CallOptions): Promise<Page<Experiment>>;
  createExperiment(experiment: NewExperiment, options?: CallOptions): Promise<Experiment>;
  startExperiment(id: string, options?: CallOptions): Promise<Experiment>;
  experimentResults(id: string, options?: CallOptions): Promise<Record<string, unknown>>;
}

export function newKey(): string;
