using System.Text.Json;

namespace Formation.Inference.Engine.Reasoning;

/// <summary>The variables by which chat templates are told whether the model is to think. Families call it differently; each reads its own.</summary>
internal static class ReasoningVariables
{
    /// <summary>The variable by which they are told how much effort it is to make.</summary>
    public const string Effort = "reasoning_effort";

    private static readonly string[] Names = ["enable_thinking", "thinking"];
    private static readonly JsonElement Yes = JsonElement.Parse("true"), No = JsonElement.Parse("false");

    /// <summary>The variables that say it.</summary>
    public static IReadOnlyDictionary<string, JsonElement> For(bool isWanted) => Add(null, isWanted);

    /// <summary>A request's variables with these; what it sets itself stays.</summary>
    public static IReadOnlyDictionary<string, JsonElement> Add(IReadOnlyDictionary<string, JsonElement>? given, bool isWanted)
    {
        var all = Names.ToDictionary(name => name, _ => isWanted ? Yes : No, StringComparer.Ordinal);
        foreach (var (name, value) in given ?? new Dictionary<string, JsonElement>())
            all[name] = value;
        return all;
    }
}
