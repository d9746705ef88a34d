using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Conversations;

/// <summary>Step 3 for <c>thinking</c>: whether the model is to think, and for how long.</summary>
internal static class ThinkingMapping
{
    const int LeastBudget = 1024;

    internal static ReasoningOptions ToReasoning(ConversationFields body)
    {
        if (body.Thinking is not { } thinking)
            return new ReasoningOptions { IsWanted = false };
        OneOf("thinking.type", thinking.Type ?? throw Missing("thinking.type"), "disabled", "enabled", "adaptive", "between_tools");
        ExtraInputs.None(thinking.Unknown, "thinking");
        if (thinking.Type == "between_tools")
            throw UnsupportedValue("thinking.type", "models here think before each of their turns or not at all; send 'adaptive', 'enabled' or 'disabled'.");
        OneOf("thinking.display", thinking.Display, "summarized", "omitted");
        long? budget = Integer("thinking.budget_tokens", thinking.BudgetTokens, LeastBudget, int.MaxValue);
        bool isEnabled = thinking.Type == "enabled";
        if (isEnabled && budget is null)
            throw Missing("thinking.budget_tokens");
        if (!isEnabled && budget is not null)
            throw InvalidValue("thinking.budget_tokens", "it is only allowed with the type 'enabled'.");
        if (thinking.Type == "disabled" && thinking.Display is not null)
            throw InvalidValue("thinking.display", "it is not allowed with the type 'disabled'.");
        return new ReasoningOptions { IsWanted = thinking.Type != "disabled", MaxTokens = (int?)budget };
    }
}
