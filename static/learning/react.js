/* React hooks over the client. React is passed in, so there is no bundler and no dependency:

   import { AgentLearning } from "/static/learning/client.js";
   import { createHooks } from "/static/learning/react.js";
   export const { useFeedbackStats, useSubmitFeedback } = createHooks(React, new AgentLearning());

   Reading hooks give {data, error, loading, refetch}; writing hooks {submit, data, error, loading, refetch, reset}. */

import { newKey } from "./request.js";

/** For React 16.8 and newer: `React` is the module, `client` an AgentLearning. Made once, outside of components. */
export function createHooks(React, client) {
  const changes = new Changes();
  const read = (topic, ask) => reading(React, changes, topic, ask);
  const write = (topics, send) => writing(React, changes, topics, send);
  const useStats = read("feedback", (options, agent, days) => client.feedbackStats(agent, { days, ...options }));
  const useIssues = read("feedback", (options, agent, days) => client.commonIssues(agent, { days, ...options }));
  const useQueue = read("annotations", (options, filters) => client.annotationQueue(filters, options));
  const useNumbers = read("*", (options) => client.stats(options));
  const useDatasets = read("datasets", (options, query) => client.trainingDatasets(query, options));
  const useRuns = read("training", (options, query) => client.trainingRuns(query, options));
  const useExperimentList = read("experiments", (options, query) => client.experiments(query, options));
  return {
    useFeedbackStats: (agent, { days, ...how } = {}) => useStats([agent, days], { enabled: Boolean(agent), ...how }),
    useCommonIssues: (agent, { days, ...how } = {}) => useIssues([agent, days], { enabled: Boolean(agent), ...how }),
    useAnnotationQueue: (filters = {}, how) => useQueue([filters], how),
    useLearningStats: (how) => useNumbers([], how),
    useTrainingDatasets: (query = {}, how) => useDatasets([query], how),
    useTrainingRuns: (query = {}, how) => useRuns([query], how),
    useExperiments: (query = {}, how) => useExperimentList([query], how),
    useSubmitFeedback: write(["feedback"], (options, feedback) => client.sendFeedback(feedback, options)),
    useSubmitAnnotation: write(["annotations"], (options, annotation) => client.submitAnnotation(annotation, options)),
    useSubmitDemonstration: write(["annotations"], (options, given) => client.submitDemonstration(given, options)),
    useOptimizePrompt: write(["training"], (options, wanted) => client.optimizePrompt(wanted, options)),
    useCreateTrainingRun: write(["training"], (options, run) => client.createTrainingRun(run, options)),
    useCreateExperiment: write(["experiments"], (options, experiment) => client.createExperiment(experiment, options)),
    useStartExperiment: write(["experiments"], (options, id) => client.startExperiment(id, options)),
  };
}

/** Who reads what, so that a write lets the readers of its topic ask again. */
class Changes {
  #readers = new Set();

  listen(topic, again) {
    const reader = { topic, again };
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  tell(topics) {
    for (const { topic, again } of [...this.#readers]) if (topic === "*" || topics.includes(topic)) again();
  }
}

const NOTHING = { data: undefined, error: null };

/**
 * A hook that asks when its arguments change, every `every` milliseconds when given, and when `refetch` is called.
 * The last question counts: an answer to an earlier one is dropped, and its request is aborted, as on unmount.
 */
function reading(React, changes, topic, ask) {
  return (args, { enabled = true, every = 0 } = {}) => {
    const question = JSON.stringify(args);
    const [state, setState] = React.useState({ ...NOTHING, loading: enabled, question });
    const current = React.useRef(null);
    const refetch = React.useCallback(async () => {
      current.current?.abort();
      const mine = (current.current = new AbortController());
      const keep = (news) => current.current === mine && setState((before) => ({ ...before, ...news }));
      setState((before) => ({ ...(before.question === question ? before : NOTHING), loading: true, question }));
      try {
        const data = await ask({ signal: mine.signal }, ...JSON.parse(question).map((one) => one ?? undefined));
        keep({ data, error: null, loading: false });
      } catch (error) {
        keep({ error, loading: false });
      }
    }, [question]);
    React.useEffect(() => {
      if (!enabled) return undefined;
      refetch();
      const deaf = changes.listen(topic, refetch);
      const timer = every ? setInterval(refetch, every) : 0;
      return () => {
        deaf();
        clearInterval(timer);
        current.current?.abort();
        current.current = null;
      };
    }, [refetch, enabled, every]);
    const { question: answered, ...shown } = state;
    const fresh = answered === question ? shown : { ...NOTHING, loading: enabled }; // never an answer to something else
    return { ...fresh, loading: enabled && fresh.loading, refetch };
  };
}

/**
 * A hook whose `submit(...)` writes and promises the answer; it rejects too, so that a form can wait for it. `refetch`
 * sends the last call again, feedback under the same idempotency key. Unmounting stops the news, not the write: what a
 * person sent is sent. Give {signal} last to be able to stop it.
 */
function writing(React, changes, topics, send) {
  return () => {
    const [state, setState] = React.useState({ ...NOTHING, loading: false });
    const last = React.useRef(0); // the number of the newest call; -1 once unmounted
    const given = React.useRef(null);
    React.useEffect(() => {
      last.current = 0;
      return () => void (last.current = -1);
    }, []);
    const run = React.useCallback(async () => {
      const call = last.current < 0 ? 0 : ++last.current;
      const keep = (news) => call && last.current === call && setState(news);
      const [value, options] = given.current;
      keep((before) => ({ ...before, error: null, loading: true }));
      try {
        const data = await send(options ?? {}, value);
        keep({ data, error: null, loading: false });
        changes.tell(topics);
        return data;
      } catch (error) {
        keep({ data: undefined, error, loading: false });
        throw error;
      }
    }, []);
    const submit = React.useCallback((value, options) => {
      const keyed = topics.includes("feedback") ? { idempotencyKey: newKey(), ...value } : value;
      given.current = [keyed, options];
      return run();
    }, [run]);
    const refetch = React.useCallback(() => (given.current ? run() : Promise.resolve()), [run]);
    const reset = React.useCallback(() => {
      if (last.current >= 0) last.current++;
      setState({ ...NOTHING, loading: false });
    }, []);
    return { ...state, submit, refetch, reset };
  };
}
