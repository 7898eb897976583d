/* Executions and feedback as the API spells them. */

/** A run of an agent; `config` is what configFor gave. Fields that are not listed are passed on as they are. */
export function executionBody({ agent, execution, user, durationMs, inputTokens, outputTokens, startedAt, config, ...more }) {
  return {
    ...more,
    agent_id: agent,
    execution_id: execution,
    user_id: user,
    config_id: config?.id,
    variant: config?.variant || undefined,
    duration_ms: durationMs,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    started_at: startedAt instanceof Date ? startedAt.toISOString() : startedAt,
  };
}

/** What somebody thinks of an execution. */
export function feedbackBody({ agent, execution, user, type, text, correction, categories, ...more }) {
  return {
    ...more, // rating, accuracy, helpfulness, clarity, completeness, consent
    agent_id: agent,
    execution_id: execution,
    user_id: user,
    feedback_type: type,
    feedback_text: text,
    correction_text: correction,
    issue_categories: categories,
  };
}
