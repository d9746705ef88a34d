namespace Formation.Inference.Cli.Hosting;

/// <summary>Where a served model comes from.</summary>
/// <param name="Id">The id that requests name.</param>
/// <param name="Path">The GGUF file.</param>
/// <param name="Origin">Who named it: <c>bundled</c>, <c>registered</c>, <c>folder</c> or <c>option</c>.</param>
public sealed record ModelSource(string Id, string Path, string Origin);

/// <summary>Finds the models to serve. Later origins win over earlier ones: bundled, registered, <c>--models</c>, <c>--model</c>.</summary>
public static class ModelSources
{
    /// <summary>The id that clients use when they just want this server's language model.</summary>
    public const string DefaultModelId = "formation-llm";

    /// <summary>The small model that ships with the engine; <see cref="DefaultModelId"/> points to it until an operator maps that id.</summary>
    public const string BundledModelId = "formation-nano";

    /// <param name="registered">Ids and paths that <c>form models add</c> registered.</param>
    /// <param name="folder">Folder whose GGUF files are served under their names, or null.</param>
    /// <param name="assignments">Values of <c>--model</c>, each <c>ID=PATH</c>.</param>
    /// <returns>One source for each id, ordered by id.</returns>
    /// <exception cref="CommandException">A value is malformed or a named path does not exist.</exception>
    public static IReadOnlyList<ModelSource> Find(
        IReadOnlyDictionary<string, string> registered, string? folder, IReadOnlyList<string> assignments)
    {
        var found = new SortedDictionary<string, ModelSource>(StringComparer.Ordinal);
        if (BundledPath() is { } bundled)
        {
            found[BundledModelId] = new ModelSource(BundledModelId, bundled, "bundled");
            found[DefaultModelId] = new ModelSource(DefaultModelId, bundled, "bundled");
        }
        foreach (var (id, path) in registered)
            found[id] = new ModelSource(id, path, "registered");
        foreach (var path in folder is null ? [] : FilesIn(folder, "--models"))
            if (ModelId.FromFileName(path) is { } id)
                found[id] = new ModelSource(id, path, "folder");
        foreach (var assignment in assignments)
        {
            var (id, path) = ModelId.ParseAssignment(assignment);
            found[id] = new ModelSource(id, RequireFile(id, path), "option");
        }
        return [.. found.Values];
    }

    /// <summary>The bundled model beside the program, or null where this build has none.</summary>
    public static string? BundledPath()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "models", BundledModelId, BundledModelId + ".gguf");
        return File.Exists(path) ? path : null;
    }

    /// <summary>The absolute path of a model's file.</summary>
    /// <exception cref="CommandException">There is no such file.</exception>
    public static string RequireFile(string id, string path)
    {
        var full = Path.GetFullPath(path);
        return File.Exists(full)
            ? full
            : throw new CommandException(ExitCode.NotFound, $"Model {id}: there is no file {full}; give the path of a GGUF file.");
    }

    /// <summary>The models in a folder, by name.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="option">The option that named it.</param>
    /// <exception cref="CommandException">There is no such folder.</exception>
    public static IEnumerable<string> FilesIn(string folder, string option)
    {
        if (!Directory.Exists(folder))
            throw new CommandException(ExitCode.NotFound, $"{option}: there is no folder {Path.GetFullPath(folder)}");
        return Directory.EnumerateFiles(Path.GetFullPath(folder), "*.gguf").Where(IsFirstPart).Order(StringComparer.Ordinal);
    }

    // Of a split model only the first part is a model; the reader finds the others.
    private static bool IsFirstPart(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        var split = name.Length > 15 && name[^9..^5] == "-of-";
        return !split || name.Contains("-00001-of-", StringComparison.Ordinal);
    }
}
