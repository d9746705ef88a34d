using System.Text.Json.Nodes;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>What a streamed answer counts, over any of the APIs. Which of the prompt's tokens were cached is left out: that depends on what ran before.</summary>
/// <param name="Prompt">Tokens of the prompt; 0 where the API does not tell.</param>
/// <param name="Answer">Tokens of the answer, those of its thought included.</param>
/// <param name="Thought">Tokens of the thought.</param>
readonly record struct AskedUsage(int Prompt, int Answer, int Thought)
{
    /// <summary>The usage that an event of a stream tells, or null.</summary>
    public static AskedUsage? Of(JsonNode item)
    {
        if (item["details"] is { } details)
            return new(0, (int)details["generated_tokens"]!, 0);
        if ((item["usage"] ?? item["response"]?["usage"]) is not JsonObject usage)
            return null;
        return new(
            Count(usage, "prompt_tokens") + Count(usage, "input_tokens") + Count(usage, "cache_read_input_tokens"),
            Count(usage, "completion_tokens") + Count(usage, "output_tokens"),
            Count(usage["completion_tokens_details"], "reasoning_tokens") + Count(usage["output_tokens_details"], "reasoning_tokens")
                + Count(usage["output_tokens_details"], "thinking_tokens"));
    }

    private static int Count(JsonNode? usage, string name) => (int?)usage?[name] ?? 0;
}
