namespace Formation.Inference.Cli.Hosting;

/// <summary>Which small model guesses the tokens of which served one: the values of <c>--draft-model</c>.</summary>
public sealed class DraftAssignments
{
    private readonly Dictionary<string, string> _pathById = new(StringComparer.Ordinal);

    private DraftAssignments() { }

    /// <param name="values">
    /// Each <c>ID=PATH</c>, or <c>PATH</c> for the models that <c>--model</c> names; without one, for the default model.
    /// </param>
    /// <param name="models">Values of <c>--model</c>.</param>
    /// <exception cref="CommandException">A value is malformed or its file does not exist.</exception>
    public static DraftAssignments Parse(IReadOnlyList<string> values, IReadOnlyList<string> models)
    {
        var assignments = new DraftAssignments();
        foreach (var value in values)
        {
            // A file may have '=' in its name.
            if (value.Contains('=') && !File.Exists(value))
            {
                var (id, path) = ModelId.ParseAssignment(value);
                assignments._pathById[id] = RequireFile(path);
                continue;
            }

            foreach (var id in models.Select(model => ModelId.ParseAssignment(model).Id).DefaultIfEmpty(ModelSources.DefaultModelId))
                assignments._pathById.TryAdd(id, RequireFile(value));
        }

        return assignments;
    }

    /// <summary>The file of the draft model for a model that is served under some ids, or null.</summary>
    public string? Find(IEnumerable<string> ids) => ids.Select(id => _pathById.GetValueOrDefault(id)).FirstOrDefault(path => path is not null);

    private static string RequireFile(string path)
    {
        var full = Path.GetFullPath(path);
        return File.Exists(full)
            ? full
            : throw new CommandException(ExitCode.NotFound, $"--draft-model: there is no file {full}; give the path of a GGUF file.");
    }
}
