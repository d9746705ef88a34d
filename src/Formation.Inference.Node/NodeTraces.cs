using System.Diagnostics;

namespace Formation.Inference.Node;

/// <summary>The source of the spans of heads and stages. Costs nothing while nobody listens.</summary>
public static class NodeTraces
{
    /// <summary>Its name.</summary>
    public const string Name = "Formation.Inference.Node";

    internal static ActivitySource Source { get; } = new(Name);
}
