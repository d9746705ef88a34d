using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Formation.Inference.Repository.Tests.Architecture;

/// <summary>The rules of docs/architecture.md that a compiler does not check.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> AllowedReferences = new()
    {
        ["Contracts"] = [],
        ["Kernels"] = [],
        ["Engine"] = ["Contracts", "Kernels"],
        ["Storage"] = [],
        ["Accounts"] = ["Contracts", "Storage"],
        ["Gateway"] = ["Accounts", "Contracts", "Storage"],
        ["Cluster"] = ["Contracts", "Storage"],
        ["Node"] = ["Engine", "Cluster", "Contracts", "Kernels"],
        ["Training"] = ["Engine", "Kernels", "Contracts"],
        ["Cli"] = ["Gateway", "Node", "Cluster", "Engine", "Training", "Accounts", "Storage", "Contracts", "Kernels"],
    };

    public static TheoryData<string> Projects => new(AllowedReferences.Keys);

    [Fact]
    public void Every_project_of_ours_has_a_rule() => Assert.Equal(
        AllowedReferences.Keys.Order(),
        Directory.EnumerateDirectories(RepositoryRoot.In("src")).Select(folder => Path.GetFileName(folder).Replace("Formation.Inference.", "")).Order());

    [Theory, MemberData(nameof(Projects))]
    public void A_project_references_only_what_its_rule_allows(string project)
    {
        var references = Project(project).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value).Replace("Formation.Inference.", ""));
        Assert.Empty(references.Except(AllowedReferences[project]));
    }

    [Theory, MemberData(nameof(Projects))]
    public void Unsafe_code_is_only_in_the_kernels(string project) =>
        Assert.Equal(project == "Kernels", Project(project).Descendants("AllowUnsafeBlocks").Any(element => element.Value == "true"));

    [Theory, MemberData(nameof(Projects))]
    public void Asp_net_is_only_in_the_gateway_and_the_host(string project)
    {
        var uses = Load(project).GetReferencedAssemblies().Any(name => name.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
        if (project is not ("Gateway" or "Cli"))
            Assert.False(uses, $"{project} uses ASP.NET");
    }

    [Fact]
    public void Scheduling_and_the_KV_cache_know_no_maths_and_no_models() =>
        Assert.Empty(SourcesMentioning(
            ["src/Formation.Inference.Engine/Scheduling", "src/Formation.Inference.Engine/KvCache", "src/Formation.Inference.Engine/Sequences"],
            EngineComputation()));

    [Fact]
    public void The_engine_knows_no_HTTP() =>
        Assert.Empty(SourcesMentioning(["src/Formation.Inference.Engine", "src/Formation.Inference.Kernels"], Http()));

    [Theory, MemberData(nameof(Projects))]
    public void Classes_are_sealed_abstract_or_static(string project) =>
        Assert.Empty(Load(project).GetTypes().Where(type =>
            type is { IsClass: true, IsSealed: false, IsAbstract: false } && !type.Name.Contains('<') && type.Namespace?.StartsWith("Formation", StringComparison.Ordinal) == true
            && type.BaseType is not { Namespace: "Grpc.Core" } // The protocol compiler leaves its client open.
            && !Load(project).GetTypes().Any(other => other.BaseType == type)).ToArray());

    [Fact]
    public void No_source_file_is_longer_than_600_lines() =>
        Assert.Empty(RepositoryRoot.Files("src", "*.cs").Concat(RepositoryRoot.Files("tests", "*.cs"))
            .Where(file => File.ReadLines(RepositoryRoot.In(file)).Count() > 600).ToArray());

    [Fact]
    public void No_type_has_a_name_that_says_nothing() =>
        Assert.Empty(RepositoryRoot.Files("src", "*.cs").Where(file => VagueName().IsMatch(file)).ToArray());

    private static XDocument Project(string name) =>
        XDocument.Load(RepositoryRoot.In($"src/Formation.Inference.{name}/Formation.Inference.{name}.csproj"));

    private static Assembly Load(string project) => Assembly.Load(project == "Cli" ? "form" : $"Formation.Inference.{project}");

    private static IEnumerable<string> SourcesMentioning(IEnumerable<string> folders, Regex pattern) =>
        folders.SelectMany(folder => RepositoryRoot.Files(folder, "*.cs")).Where(file => pattern.IsMatch(File.ReadAllText(RepositoryRoot.In(file))));

    [GeneratedRegex(@"using Formation\.Inference\.(Kernels|Engine\.(Models|Devices|Layers|Gguf))\b")]
    private static partial Regex EngineComputation();

    [GeneratedRegex(@"using (System\.Net\.Http|Microsoft\.AspNetCore)|HttpClient")]
    private static partial Regex Http();

    [GeneratedRegex(@"(Helper|Helpers|Util|Utils|Manager|Misc|Common)\.cs$")]
    private static partial Regex VagueName();
}
