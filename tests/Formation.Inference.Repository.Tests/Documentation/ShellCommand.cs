using System.CommandLine;

namespace Formation.Inference.Repository.Tests.Documentation;

/// <summary>Finds calls of <c>form</c> in shell text and holds them against the real command line.</summary>
static class ShellCommand
{
    /// <summary>The words after <c>form</c> of each call in a line; nothing where the line has none.</summary>
    public static IEnumerable<string[]> InvocationsOfForm(string line)
    {
        foreach (var part in line.Split(['|', ';', '&'], StringSplitOptions.TrimEntries))
        {
            var words = Words(part.StartsWith("$ ", StringComparison.Ordinal) ? part[2..] : part);
            // Variables may be set in front of a call.
            var call = words.SkipWhile(word => word.Contains('=') && char.IsUpper(word[0])).ToArray();
            if (call.Length > 1 && call[0] is "form" or "./form")
                yield return call[1..];
        }
    }

    /// <summary>What is wrong with a call, or null.</summary>
    public static string? FaultOf(string[] words, RootCommand root)
    {
        Command command = root;
        var recursive = new List<Option>();
        foreach (var word in words)
        {
            if (word.StartsWith('#'))
                break;
            if (word.StartsWith('-') && word.Length > 1)
            {
                var name = word.Split('=')[0].TrimEnd(']', '.');
                if (name is "--help" or "-h")
                    continue;
                if (!command.Options.Concat(recursive).Any(option => option.Name == name || option.Aliases.Contains(name)))
                    return $"'form {string.Join(' ', words)}': no option {name}";
            }
            else if (command.Subcommands.FirstOrDefault(sub => sub.Name == word) is { } sub)
            {
                recursive.AddRange(command.Options.Where(option => option.Recursive));
                command = sub;
            }
            else if (command.Subcommands.Count > 0)
            {
                return $"'form {string.Join(' ', words)}': no command {word}";
            }
        }
        return null;
    }

    private static List<string> Words(string text)
    {
        var words = new List<string>();
        var word = new System.Text.StringBuilder();
        var quote = '\0';
        foreach (var c in text + " ")
        {
            if (quote != '\0' ? c == quote : c is '"' or '\'')
            {
                quote = quote == '\0' ? c : '\0';
            }
            else if (quote == '\0' && (char.IsWhiteSpace(c) || c is '[' or ']'))
            {
                if (word.Length > 0)
                    words.Add(word.ToString());
                word.Clear();
            }
            else
            {
                word.Append(c);
            }
        }
        return words;
    }
}
