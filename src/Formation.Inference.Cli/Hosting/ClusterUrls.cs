using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;

namespace Formation.Inference.Cli.Hosting;

/// <summary>Reads <c>--cluster-url</c>.</summary>
static class ClusterUrls
{
    /// <summary>The URLs, each as <c>https://HOST:PORT</c>.</summary>
    /// <exception cref="CommandException">One is no URL of a control plane, or there are too many.</exception>
    public static IReadOnlyList<string> Parse(IReadOnlyList<string> texts)
    {
        if (texts.Count > ControlLimits.GatewayUrls)
            throw new CommandException(ExitCode.WrongUsage, $"--cluster-url may be given {ControlLimits.GatewayUrls} times, and is {texts.Count} times");
        return [.. texts.Select(Read)];
    }

    private static string Read(string text) => GatewayUrl.TryParse(text, out var url)
        ? url.GetLeftPart(UriPartial.Authority)
        : throw new CommandException(ExitCode.WrongUsage, $"--cluster-url '{text}' is no address of a control plane; write for instance https://gateway-2.example:8081");
}
