namespace Formation.Inference.Gateway.Contents;

/// <summary>Writes a file of the server's own making, piece by piece.</summary>
internal sealed class FileWriter(FileTable files, string account, string id)
{
    readonly byte[] _part = new byte[FileTable.PartBytes];
    int _filled, _number;
    long _bytes;

    /// <summary>Asked before each piece with its length; throws where there is no room for it.</summary>
    internal Func<int, Task>? CheckRoom { get; init; }

    internal async Task WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        if (_bytes == 0)
            await files.BeginAsync(account, id, cancellationToken);
        _bytes += content.Length;
        while (content.Length > 0)
        {
            int count = Math.Min(content.Length, _part.Length - _filled);
            content[..count].CopyTo(_part.AsMemory(_filled));
            content = content[count..];
            _filled += count;
            if (_filled == _part.Length)
                await FlushAsync(cancellationToken);
        }
    }

    /// <summary>The file's id, or null where nothing was written.</summary>
    internal async Task<string?> EndAsync(string purpose, string name, TimeSpan lifetime, CancellationToken cancellationToken, bool isHidden = false)
    {
        if (_bytes == 0)
            return null;
        await FlushAsync(cancellationToken);
        await files.EndAsync(account, id, purpose, name, _bytes, lifetime, isHidden, cancellationToken);
        return id;
    }

    async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_filled == 0)
            return;
        if (CheckRoom is not null)
            await CheckRoom(_filled);
        await files.AddAsync(account, id, _number++, _part.AsMemory(0, _filled), cancellationToken);
        _filled = 0;
    }
}
