using System.CommandLine;
using System.Text.RegularExpressions;
using Formation.Inference.Cli;

namespace Formation.Inference.Repository.Tests.Documentation;

/// <summary>What the documents name exists: files, links, types and commands.</summary>
public sealed partial class DocumentationTests
{
    private static readonly Lazy<NameIndex> Names = new(NameIndex.Build);
    private static readonly RootCommand Commands = FormApplication.CreateRootCommand(CommandContext.ForThisProcess());

    public static TheoryData<string> Documents => new(MarkdownDocument.All().Select(document => document.Path));

    [Theory, MemberData(nameof(Documents))]
    public void Every_link_leads_to_a_file_and_a_heading(string path)
    {
        var document = MarkdownDocument.Read(path);
        Assert.Empty(document.Links.Where(link => !link.Contains("://") && !link.StartsWith("mailto:") && !LinkExists(document, link)).ToArray());
    }

    [Theory, MemberData(nameof(Documents))]
    public void Every_path_in_the_text_exists(string path) =>
        Assert.Empty(MarkdownDocument.Read(path).CodeSpans.Where(span => IsRepositoryPath(span) && !PathExists(span)).ToArray());

    [Theory, MemberData(nameof(Documents))]
    public void Every_type_in_the_text_exists(string path) =>
        Assert.Empty(MarkdownDocument.Read(path).CodeSpans.Where(span => TypeName().IsMatch(span) && !Names.Value.Contains(span)).ToArray());

    [Theory, MemberData(nameof(Documents))]
    public void Every_command_in_the_text_exists_with_its_options(string path)
    {
        var document = MarkdownDocument.Read(path);
        var lines = document.CodeSpans.Concat(document.ShellLines).SelectMany(ShellCommand.InvocationsOfForm);
        Assert.Empty(lines.Select(words => ShellCommand.FaultOf(words, Commands)).OfType<string>());
    }

    [Fact]
    public void Every_package_has_a_line_that_says_why_it_was_chosen()
    {
        var packages = PackageVersion().Matches(File.ReadAllText(RepositoryRoot.In("Directory.Packages.props"))).Select(match => match.Groups[1].Value);
        var document = File.ReadAllText(RepositoryRoot.In("docs/dependencies.md"));
        Assert.Empty(packages.Where(package => !document.Contains($"| {package} |", StringComparison.Ordinal)).ToArray());
    }

    private static bool LinkExists(MarkdownDocument document, string link)
    {
        var parts = link.Split('#', 2);
        var target = parts[0].Length == 0
            ? document.Path
            : Path.GetRelativePath(RepositoryRoot.Path, Path.GetFullPath(Path.Combine(RepositoryRoot.In(Path.GetDirectoryName(document.Path)!), parts[0])));
        if (!Path.Exists(RepositoryRoot.In(target)))
            return false;
        return parts.Length == 1 || !target.EndsWith(".md") || MarkdownDocument.Read(target).Anchors.Contains(parts[1]);
    }

    // A span is a path of ours where its first part is a folder or file at the root and nothing in it stands for something else.
    private static bool IsRepositoryPath(string span) =>
        RepositoryPath().IsMatch(span) && Path.Exists(RepositoryRoot.In(span.Split('/')[0])) && !span.StartsWith("artifacts/", StringComparison.Ordinal);

    private static bool PathExists(string span) => Path.Exists(RepositoryRoot.In(span.TrimEnd('/')));

    [GeneratedRegex(@"^\.?[A-Za-z][\w.-]*(/[\w.-]+)*/?$")]
    private static partial Regex RepositoryPath();

    // At least two humps: a single capitalised word may be a word.
    [GeneratedRegex(@"^I?[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+(?:\.[A-Z]\w+)?$")]
    private static partial Regex TypeName();

    [GeneratedRegex("PackageVersion Include=\"([^\"]+)\"")]
    private static partial Regex PackageVersion();
}
