using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Node.Weights.Store;

/// <summary>Where the files of one model lie in a store.</summary>
/// <param name="folder">The model's own folder, named by its digest.</param>
sealed class StoreFiles(string folder)
{
    public string Folder => folder;

    public string Manifest => Path.Combine(folder, "manifest");

    /// <summary>Which chunks are verified.</summary>
    public string Record => Path.Combine(folder, "verified");

    /// <summary>Shared by those who use the model; its time is when it was last used.</summary>
    public string InUse => Path.Combine(folder, "in-use");

    /// <summary>Held by the one who fetches.</summary>
    public string Fetching => Path.Combine(folder, "fetching");

    /// <summary>A file of the model, named so that the parts of a split one find each other.</summary>
    public string Data(int file, int count) =>
        Path.Combine(folder, count == 1 ? "model.gguf" : FormattableString.Invariant($"model-{file + 1:D5}-of-{count:D5}.gguf"));

    /// <summary>Which chunks of an operator's files are verified, by a name that says which files in which state.</summary>
    public string LocalRecord(string state) => Path.Combine(folder, $"local-{state}");

    /// <summary>The manifest, or null where there is none that is whole.</summary>
    public ModelManifest? ReadManifest(string digest)
    {
        try
        {
            var file = new FileInfo(Manifest);
            if (!file.Exists || file.Length > ManifestLimits.ManifestBytes)
                return null;
            var manifest = ModelManifest.Parse(File.ReadAllBytes(Manifest));
            return manifest.Digest == digest ? manifest : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>Writes the manifest, so that nobody reads half of it.</summary>
    public void WriteManifest(ModelManifest manifest) => WholeFile.Write(Manifest, manifest.Bytes.Span, WholeFile.OwnerOnly);

    /// <summary>Bytes that the model takes on the disk; holes take none.</summary>
    public long BytesOnDisk()
    {
        try
        {
            return Directory.EnumerateFiles(folder).Sum(FileStamp.BytesOnDisk);
        }
        // Somebody is removing it.
        catch (IOException)
        {
            return 0;
        }
    }

    /// <summary>Opens a file for reading and writing, beside others that do the same.</summary>
    public static FileStream Open(string path, FileMode mode) => new(path, new FileStreamOptions
    {
        Mode = mode,
        Access = FileAccess.ReadWrite,
        Share = FileShare.ReadWrite | FileShare.Delete,
        UnixCreateMode = WholeFile.OwnerOnly,
        BufferSize = 0,
    });
}
