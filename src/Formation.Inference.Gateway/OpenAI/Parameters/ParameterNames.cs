using Formation.Inference.Gateway.Formation.Requests;

namespace Formation.Inference.Gateway.OpenAI.Parameters;

/// <summary>OpenAI's names of the parts of a <see cref="GenerationRequest"/> that the engine can find fault with.</summary>
/// <param name="Prompt">Of the prompt: differs between endpoints.</param>
/// <param name="MaxTokens">Of the token limit: chat has two.</param>
/// <param name="Format">Of the output's format: there are two.</param>
internal sealed record ParameterNames(string Prompt, string MaxTokens, string Format)
{
    /// <summary>The name of a part, or null where the request has no parameter for it.</summary>
    internal string? Of(string part) => part switch
    {
        nameof(GenerationRequest.Prompt) => Prompt,
        nameof(InfillPrompt.Suffix) or "Prompt.Suffix" => "suffix",
        nameof(GenerationRequest.ModelId) => "model",
        nameof(GenerationRequest.Choices) => "n",
        nameof(GenerationRequest.Logprobs) => "logprobs",
        nameof(GenerationRequest.EchoPrompt) => "echo",
        nameof(GenerationRequest.Format) => Format,
        nameof(GenerationRequest.ToolUse) => "tools",
        nameof(SamplingParams.LogitBias) or "Sampling.LogitBias" => "logit_bias",
        nameof(SamplingParams.Seed) or "Sampling.Seed" => "seed",
        nameof(StopConditions.MaxTokens) or "Stop.MaxTokens" => MaxTokens,
        nameof(StopConditions.MinTokens) or "Stop.MinTokens" => "min_tokens",
        nameof(StopConditions.TokenIds) or "Stop.TokenIds" => "stop_token_ids",
        nameof(StopConditions.Strings) or "Stop.Strings" => "stop",
        nameof(ChatPrompt.TemplateVariables) or "Prompt.TemplateVariables" => "chat_template_kwargs",
        _ => FormationMapping.ParameterName(part),
    };
}
