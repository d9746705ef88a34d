using System.Text.RegularExpressions;

namespace Formation.Inference.Repository.Tests.Documentation;

/// <summary>The parts of a Markdown file that name things which can be checked.</summary>
sealed partial class MarkdownDocument
{
    private MarkdownDocument(string path, string[] lines)
    {
        Path = path;
        var fence = "";
        var paragraph = new List<string>();
        foreach (var line in lines)
        {
            if (FenceLine().Match(line) is { Success: true } match)
            {
                fence = fence.Length == 0 ? "```" + match.Groups[1].Value.Trim() : "";
                continue;
            }
            if (fence is "```bash" or "```sh" or "```console")
                ShellLines.Add(line);
            if (fence.Length > 0)
                continue;
            if (HeadingLine().Match(line) is { Success: true } heading)
                Anchors.Add(AnchorOf(heading.Groups[1].Value));
            CodeSpans.AddRange(CodeSpan().Matches(line).Select(span => span.Groups[1].Value));
            Links.AddRange(Link().Matches(CodeSpan().Replace(line, "code")).Select(link => link.Groups[1].Value));
        }
    }

    /// <summary>Path relative to the repository's root.</summary>
    public string Path { get; }

    /// <summary>Lines of fenced shell blocks.</summary>
    public List<string> ShellLines { get; } = [];

    /// <summary>Inline code, without its back-ticks.</summary>
    public List<string> CodeSpans { get; } = [];

    /// <summary>Targets of links.</summary>
    public List<string> Links { get; } = [];

    /// <summary>What a link's fragment can name.</summary>
    public HashSet<string> Anchors { get; } = [];

    public static MarkdownDocument Read(string path) => new(path, File.ReadAllLines(RepositoryRoot.In(path)));

    /// <summary>Every document of the repository that people read.</summary>
    public static IEnumerable<MarkdownDocument> All() =>
        Directory.EnumerateFiles(RepositoryRoot.Path, "*.md").Select(file => System.IO.Path.GetFileName(file)).Order(StringComparer.Ordinal)
            .Concat(RepositoryRoot.Files("docs", "*.md"))
            .Concat(RepositoryRoot.Files("models", "*.md"))
            .Concat(RepositoryRoot.Files("benchmarks", "*.md"))
            .Concat(RepositoryRoot.Files("tests", "*.md"))
            .Select(Read);

    // The rule of the hosts that render these files: lower case, spaces to dashes, punctuation dropped.
    private static string AnchorOf(string heading) =>
        new([.. heading.Trim().ToLowerInvariant().Replace(' ', '-').Where(c => char.IsLetterOrDigit(c) || c is '-' or '_')]);

    [GeneratedRegex(@"^\s*```(.*)$")]
    private static partial Regex FenceLine();

    [GeneratedRegex(@"^#{1,6}\s+(.*)$")]
    private static partial Regex HeadingLine();

    [GeneratedRegex(@"(?<!`)`([^`]+)`(?!`)")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
