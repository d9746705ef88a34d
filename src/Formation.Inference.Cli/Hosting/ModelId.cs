using System.Text.RegularExpressions;

namespace Formation.Inference.Cli.Hosting;

/// <summary>The grammar of model ids: lower-case words with dots, dashes and underscores, in parts divided by slashes.</summary>
public static partial class ModelId
{
    public const int MaximumLength = 256;

    /// <summary>Reads <c>ID=PATH</c>.</summary>
    /// <exception cref="CommandException">It has no <c>=</c>, the id is not of the grammar, or the path is empty.</exception>
    public static (string Id, string Path) ParseAssignment(string text)
    {
        var parts = text.Split('=', 2);
        if (parts.Length != 2 || parts[1].Length == 0)
            throw new CommandException(ExitCode.WrongUsage, $"'{text}' is not of the form ID=PATH; write for instance my-model=/models/my-model.gguf");
        return (Require(parts[0]), parts[1]);
    }

    /// <summary>Checks an id.</summary>
    /// <exception cref="CommandException">The id is not of the grammar.</exception>
    public static string Require(string id) => IsValid(id)
        ? id
        : throw new CommandException(
            ExitCode.WrongUsage, $"'{id}' is not a model id; use lower-case letters, digits, '.', '-' and '_', in parts divided by '/'");

    public static bool IsValid(string id) => id.Length <= MaximumLength && Grammar().IsMatch(id);

    /// <summary>The id that a file's name suggests: lower case, other characters replaced by dashes; null where nothing is left.</summary>
    public static string? FromFileName(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path).ToLowerInvariant();
        var id = string.Concat(name.Select(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_' ? c : '-')).TrimStart('.', '-', '_');
        if (id.Length > 64)
            id = id[..64];
        return IsValid(id) ? id : null;
    }

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,63}(/[a-z0-9][a-z0-9._-]{0,63})*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Grammar();
}
