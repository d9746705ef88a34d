using System.Text.RegularExpressions;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace.Documentation;

/// <summary>Reads the tables of fields in <c>docs/api/huggingface.md</c>.</summary>
internal static class DocumentedTable
{
    /// <param name="row">A row, with groups of the field's name and its status.</param>
    /// <param name="heading">The heading below which the table stands.</param>
    internal static IEnumerable<(string Name, string Status)> Rows(Regex row, string heading)
    {
        string text = ApiDocument.Read("huggingface.md");
        int start = text.IndexOf($"## {heading}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, heading);
        int end = text.IndexOf("\n## ", start, StringComparison.Ordinal);
        return row.Matches(text[start..(end < 0 ? text.Length : end)]).Select(match => (match.Groups["name"].Value, match.Groups["status"].Value));
    }
}
