using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cli.Hosting;

/// <summary>The models that <c>form models add</c> registered: ids and paths of GGUF files, kept in <c>models.json</c> in the data folder.</summary>
public sealed class RegisteredModels
{
    private readonly SortedDictionary<string, string> _paths;

    private RegisteredModels(string file, SortedDictionary<string, string> paths)
    {
        File = file;
        _paths = paths;
    }

    /// <summary>Name of the file in the data folder.</summary>
    public const string FileName = "models.json";

    /// <summary>The file that holds them.</summary>
    public string File { get; }

    /// <summary>Path of each model by its id.</summary>
    public IReadOnlyDictionary<string, string> Paths => _paths;

    /// <summary>Reads the file; none is as good as an empty one.</summary>
    /// <exception cref="CommandException">The file can't be read or is damaged.</exception>
    public static RegisteredModels Load(string dataFolder)
    {
        var file = Path.Combine(dataFolder, FileName);
        try
        {
            var paths = System.IO.File.Exists(file)
                ? JsonSerializer.Deserialize(System.IO.File.ReadAllText(file), RegisteredModelsJson.Default.SortedDictionaryStringString)
                : null;
            return new RegisteredModels(file, paths ?? new SortedDictionary<string, string>(StringComparer.Ordinal));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new CommandException(ExitCode.Failed, $"The registered models in {file} can't be read ({error.GetType().Name}); mend or delete the file.");
        }
    }

    /// <summary>Registers a model; an id that exists gets the new path.</summary>
    public void Add(string id, string path)
    {
        _paths[id] = path;
        Save();
    }

    /// <summary>Forgets a model; its file stays. False where the id is not registered.</summary>
    public bool Remove(string id)
    {
        if (!_paths.Remove(id))
            return false;
        Save();
        return true;
    }

    // A server that reads at the same moment sees the old list or the new one.
    private void Save()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(File)!);
            WholeFile.Write(File, JsonSerializer.Serialize(_paths, RegisteredModelsJson.Default.SortedDictionaryStringString) + "\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Failed, $"The registered models can't be saved in {File}: {error.Message}");
        }
    }
}

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
sealed partial class RegisteredModelsJson : JsonSerializerContext;
