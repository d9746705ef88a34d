using System.Text.Json;
using Formation.Inference.Gateway.Formation.Requests;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Requests;

/// <summary>
/// Fields of a request that this server does not know and passes over, as clients of some dialects send what only other servers have. The answer
/// names them in a header, so that a field that was misspelt can be found.
/// </summary>
internal sealed class IgnoredFields
{
    internal const string Header = "formation-ignored-fields";

    /// <summary>Paths that are told; each is short, as its names are cut.</summary>
    const int MaxPaths = 16;

    readonly List<string> _paths = [];
    bool _hasMore;

    /// <summary>Notes the fields of an object that none of its own took.</summary>
    internal void Add(Dictionary<string, JsonElement>? unknown, string path = "")
    {
        if (unknown is null)
            return;
        foreach (string name in unknown.Keys)
            Add(path, name);
    }

    /// <summary>Notes a field.</summary>
    /// <exception cref="Errors.ApiErrorException">It is Formation's own part of a request, which is never passed over (400).</exception>
    internal void Add(string path, string name)
    {
        if (path.Length == 0 && name == FormationMapping.Name)
            throw FormationMapping.NotHere();
        if (_paths.Count < MaxPaths)
            _paths.Add(JsonPath.Append(path, name));
        else
            _hasMore = true;
    }

    /// <summary>Names them in the answer's header. Letters that a header can't have are shown as question marks.</summary>
    internal void Tell(HttpResponse response)
    {
        if (_paths.Count == 0)
            return;
        string told = string.Join(", ", _hasMore ? [.. _paths, "..."] : _paths);
        response.Headers[Header] = string.Create(told.Length, told, static (text, from) =>
        {
            for (int i = 0; i < text.Length; i++)
                text[i] = from[i] is >= ' ' and <= '~' ? from[i] : '?';
        });
    }
}
