import type {
  AgentLearning, AgentLearningError, AnnotationQueue, CallOptions, CommonIssues, Demonstration, Experiment, Feedback,
  FeedbackStats, LearningStats, ListQuery, NewAnnotation, NewExperiment, NewTrainingRun, Page, PromptOptimization,
  QueueFilters, Row, StartedRun, StoredFeedback, TrainingRun,
} from "./client.js";

export interface Reading<Data> {
  data: Data | undefined;
  error: AgentLearningError | null;
  loading: boolean;
  /** Asks again; never rejects. */
  refetch(): Promise<void>;
}
export interface Writing<Value, Data> {
  /** Rejects with an AgentLearningError. */
  submit(value: Value, options?: CallOptions): Promise<Data>;
  data: Data | undefined;
  error: AgentLearningError | null;
  loading: boolean;
  /** Sends the last call again; feedback under the same idempotency key. */
  refetch(): Promise<Data | undefined>;
  reset(): void;
}
export interface How {
  /** false: do not ask yet. */
  enabled?: boolean;
  /** Milliseconds after which to ask again, over and over. */
  every?: number;
}

export interface Hooks {
  useFeedbackStats(agent: string | undefined, how?: How & { days?: number }): Reading<FeedbackStats>;
  useCommonIssues(agent: string | undefined, how?: How & { days?: number }): Reading<CommonIssues>;
  useAnnotationQueue(filters?: QueueFilters, how?: How): Reading<AnnotationQueue>;
  useLearningStats(how?: How): Reading<LearningStats>;
  useTrainingDatasets(query?: ListQuery, how?: How): Reading<Page<Row>>;
  useTrainingRuns(query?: ListQuery, how?: How): Reading<Page<TrainingRun>>;
  useExperiments(query?: ListQuery, how?: How): Reading<Page<Experiment>>;
  useSubmitFeedback(): Writing<Feedback, StoredFeedback>;
  useSubmitAnnotation(): Writing<NewAnnotation, Row>;
  useSubmitDemonstration(): Writing<Demonstration, Row>;
  useOptimizePrompt(): Writing<PromptOptimization, StartedRun>;
  useCreateTrainingRun(): Writing<NewTrainingRun, TrainingRun>;
  useCreateExperiment(): Writing<NewExperiment, Experiment>;
  useStartExperiment(): Writing<string, Experiment>;
}

/** The part of React that the hooks use, so that no version of its types is asked for. */
export interface ReactLike {
  useState: (initial: any) => any;
  useEffect: (effect: () => void | (() => void), inputs?: readonly unknown[]) => void;
  useCallback: (callback: any, inputs: readonly unknown[]) => any;
  useRef: (initial: any) => any;
}

export function createHooks(React: ReactLike, client: AgentLearning): Hooks;
