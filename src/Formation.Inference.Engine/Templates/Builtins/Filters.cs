using System.Collections.Frozen;

namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>A filter: <c>input|name(arguments)</c>.</summary>
internal delegate TemplateValue Filter(RenderContext context, TemplateValue input, Arguments arguments);

/// <summary>All filters by name.</summary>
internal static class Filters
{
    static readonly FrozenDictionary<string, Filter> ByName =
        TextFilters.All.Concat(NumberFilters.All).Concat(SequenceFilters.All).Concat(SelectionFilters.All).Concat(GroupingFilters.All)
            .ToFrozenDictionary(pair => pair.Name, pair => pair.Filter, StringComparer.Ordinal);

    public static bool Exists(string name) => ByName.ContainsKey(name);

    public static TemplateValue Apply(RenderContext context, string name, TemplateValue input, Arguments arguments)
    {
        if (!ByName.TryGetValue(name, out var filter))
            throw context.Unsupported($"there is no filter '{(name.Length <= 40 ? name : "with such a long name")}'.");
        context.Enter();
        context.ChargeRead(input);
        var result = filter(context, input, arguments);
        context.Leave();
        return result;
    }
}
