using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Kernels.Tests.Machine;

/// <summary>A folder that looks like the root of a Linux system.</summary>
internal sealed class FakeSystem : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("form-system-").FullName;

    internal SystemFiles Files => new(_root);

    internal FakeSystem With(string path, string content)
    {
        var file = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, content);
        return this;
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
