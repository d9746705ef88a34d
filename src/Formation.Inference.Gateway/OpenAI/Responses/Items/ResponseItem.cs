using System.Text.Json.Serialization;
using Formation.Inference.Gateway.OpenAI.Answers;

namespace Formation.Inference.Gateway.OpenAI.Responses.Items;

/// <summary>One thing that was said or done: what goes into a response, and what comes out of it.</summary>
/// <param name="Id">Names it, also for an <c>item_reference</c>.</param>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(MessageItem), "message")]
[JsonDerivedType(typeof(FunctionCallItem), "function_call")]
[JsonDerivedType(typeof(FunctionCallOutputItem), "function_call_output")]
[JsonDerivedType(typeof(ReasoningItem), "reasoning")]
internal abstract record ResponseItem([property: JsonPropertyOrder(-1)] string Id)
{
    internal const string InProgress = "in_progress", Completed = "completed", Incomplete = "incomplete";
}

/// <summary>What somebody said.</summary>
internal sealed record MessageItem(string Id, string Status, string Role, IReadOnlyList<ContentPart> Content) : ResponseItem(Id);

/// <summary>The model called a function.</summary>
/// <param name="Id">Names the item.</param>
/// <param name="Status">How far it came.</param>
/// <param name="CallId">Names the call, for what answers it.</param>
/// <param name="Name">The function.</param>
/// <param name="Arguments">A JSON object as text.</param>
internal sealed record FunctionCallItem(string Id, string Status, string CallId, string Name, string Arguments) : ResponseItem(Id);

/// <summary>What a called function gave.</summary>
internal sealed record FunctionCallOutputItem(string Id, string Status, string CallId, string Output) : ResponseItem(Id);

/// <summary>What the model thought.</summary>
/// <param name="Id">Names the item.</param>
/// <param name="Summary">Always empty: thoughts come as they are.</param>
internal sealed record ReasoningItem(string Id, IReadOnlyList<ContentPart> Summary) : ResponseItem(Id)
{
    /// <summary>The thought; none where the item came in without.</summary>
    public IReadOnlyList<ContentPart> Content { get; init; } = [];

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Status { get; init; }
}

/// <summary>A part of a message.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(InputTextPart), "input_text")]
[JsonDerivedType(typeof(OutputTextPart), "output_text")]
[JsonDerivedType(typeof(RefusalPart), "refusal")]
[JsonDerivedType(typeof(ReasoningTextPart), "reasoning_text")]
internal abstract record ContentPart
{
    /// <summary>What it says.</summary>
    internal abstract string Words { get; }
}

/// <summary>What the model was told.</summary>
internal sealed record InputTextPart(string Text) : ContentPart
{
    internal override string Words => Text;
}

/// <summary>What the model said.</summary>
/// <param name="Text">The text.</param>
/// <param name="Annotations">Always empty: nothing is looked up that could be quoted.</param>
/// <param name="Logprobs">The log-probabilities that were asked for.</param>
internal sealed record OutputTextPart(string Text, IReadOnlyList<string> Annotations, IReadOnlyList<ChatTokenLogprob> Logprobs) : ContentPart
{
    internal override string Words => Text;
}

/// <summary>What the model thought.</summary>
internal sealed record ReasoningTextPart(string Text) : ContentPart
{
    internal override string Words => Text;
}

/// <summary>What the model said in refusal.</summary>
internal sealed record RefusalPart(string Refusal) : ContentPart
{
    internal override string Words => Refusal;
}
