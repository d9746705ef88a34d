using System.Text;

namespace Formation.Inference.Engine.Sequences;

/// <summary>
/// Finds stop strings in text that arrives in pieces, and holds back what may be the beginning of one, so that no part of a stop string is
/// ever let out. The result does not depend on how the text is cut. The match that ends first counts; of those that end together, the
/// longest.
/// </summary>
internal sealed class StopStringMatcher(StopStrings stops)
{
    readonly int[] _matched = new int[stops.Count];
    readonly StringBuilder _held = new();

    /// <summary>Takes a piece of text.</summary>
    /// <param name="text">The piece, whole characters.</param>
    /// <param name="mayStop">False while the completion must go on: stop strings that end in this piece are let through.</param>
    /// <param name="found">The stop string that was found, or null. Nothing may be appended after it.</param>
    /// <returns>The text that is certain to be no part of a stop string.</returns>
    public string Append(string text, bool mayStop, out string? found)
    {
        found = null;
        if (stops.Count == 0)
            return text;

        foreach (var next in text)
        {
            _held.Append(next);
            for (var i = 0; i < _matched.Length; i++)
            {
                _matched[i] = stops.Advance(i, _matched[i], next);
                if (_matched[i] == stops[i].Length && mayStop && (found is null || stops[i].Length > found.Length))
                    found = stops[i];
            }

            if (found is not null)
                return Release(keep: found.Length, andForget: true);
        }

        // A string that is complete was let through; only its border can still begin another.
        var keep = 0;
        for (var i = 0; i < _matched.Length; i++)
            keep = Math.Max(keep, _matched[i] == stops[i].Length ? stops.BorderOf(i) : _matched[i]);
        return Release(keep, andForget: false);
    }

    /// <summary>Lets out what is held back: the text has ended.</summary>
    public string Flush() => Release(keep: 0, andForget: true);

    string Release(int keep, bool andForget)
    {
        var length = _held.Length - keep;

        // A stop string that begins with half a surrogate pair must not split one.
        if (!andForget && length > 0 && char.IsHighSurrogate(_held[length - 1]))
            length--;
        var text = _held.ToString(0, length);
        _held.Remove(0, andForget ? _held.Length : length);
        return text;
    }
}
