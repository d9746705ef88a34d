using System.Reflection;

namespace Formation.Inference.Repository.Tests.Documentation;

/// <summary>Names of types and members: all of ours, and the public types of the frameworks that we stand on.</summary>
sealed class NameIndex
{
    private readonly HashSet<string> _names = [];

    public static NameIndex Build()
    {
        var index = new NameIndex();
        foreach (var assembly in Assemblies())
        {
            var ours = IsOurs(assembly.GetName().Name!);
            // A reference assembly of the framework forwards most of its types to where they live.
            foreach (var type in ours ? assembly.GetTypes() : [.. assembly.GetExportedTypes(), .. assembly.GetForwardedTypes()])
            {
                index._names.Add(Simple(type.Name));
                foreach (var member in type.GetMembers(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
                {
                    index._names.Add(Simple(member.Name));
                    index._names.Add($"{Simple(type.Name)}.{Simple(member.Name)}");
                }
            }
        }
        // Test projects are not loaded here; the names of their files stand for their types.
        foreach (var file in RepositoryRoot.Files("tests", "*.cs").Concat(RepositoryRoot.Files("benchmarks", "*.cs")))
            index._names.Add(Path.GetFileNameWithoutExtension(file));
        // A folder divides a project and is spoken of by its name.
        foreach (var file in RepositoryRoot.Files("src", "*.cs"))
            index._names.UnionWith(Path.GetDirectoryName(file)!.Split('/'));
        return index;
    }

    public bool Contains(string name) => _names.Contains(name);

    private static bool IsOurs(string assembly) => assembly == "form" || assembly.StartsWith("Formation.Inference", StringComparison.Ordinal);

    private static IEnumerable<Assembly> Assemblies()
    {
        var seen = new Dictionary<string, Assembly>();
        var open = new Queue<Assembly>([typeof(Cli.FormApplication).Assembly, typeof(NameIndex).Assembly]);
        while (open.TryDequeue(out var assembly))
        {
            if (!seen.TryAdd(assembly.FullName!, assembly) || !(IsOurs(assembly.GetName().Name!) || seen.Count < 3))
                continue;
            foreach (var reference in assembly.GetReferencedAssemblies())
                open.Enqueue(Assembly.Load(reference));
        }
        return seen.Values;
    }

    private static string Simple(string name) => name.Split('`')[0];
}
