namespace Formation.Inference.Cluster.Nodes;

/// <summary>The grammar of node names: 1 to 63 of <c>a-z 0-9 -</c>, with a letter or digit at both ends, as in host names.</summary>
public static class NodeName
{
    public const int MaximumLength = 63;

    public static bool IsValid(string? name) =>
        name is { Length: > 0 and <= MaximumLength } && name.All(IsAllowed) && name[0] != '-' && name[^1] != '-';

    /// <summary>The name that a machine's host name suggests: its first label, with other characters replaced by dashes.</summary>
    public static string FromHost(string host)
    {
        var label = host.Split('.')[0].ToLowerInvariant();
        var name = string.Concat(label.Select(c => IsAllowed(c) ? c : '-').Take(MaximumLength)).Trim('-');
        return name.Length > 0 ? name : "node";
    }

    private static bool IsAllowed(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-';
}
