namespace Formation.Inference.Kernels.Machine;

/// <summary>Finds the folders of the control groups that this process is in, from its own up to the outermost that can be seen.</summary>
internal static class CgroupFolders
{
    // A path deeper than this is not walked: the files come from outside.
    private const int MaxDepth = 64;

    /// <param name="files">Where to read.</param>
    /// <param name="controller">"cpu" or "memory".</param>
    internal static IEnumerable<(int Version, string Folder)> Of(SystemFiles files, string controller)
    {
        var mounts = Mounts(files);
        foreach (var line in files.Lines("proc/self/cgroup"))
        {
            // "hierarchy:controllers:path"; version 2 is hierarchy 0 without controllers
            var parts = line.Split(':', 3);
            if (parts.Length != 3)
                continue;
            var version = parts[0] == "0" && parts[1].Length == 0 ? 2 : 1;
            if (version == 1 && !parts[1].Split(',').Contains(controller))
                continue;
            foreach (var mount in mounts)
            {
                if (mount.Version != version || (version == 1 && !mount.Controllers.Contains(controller)))
                    continue;
                foreach (var folder in UpFrom(files, mount, parts[2]))
                    yield return (version, folder);
            }
        }
    }

    private static IEnumerable<string> UpFrom(SystemFiles files, Mount mount, string path)
    {
        // Inside a container the mount may show a part of the tree only, or the path may lie outside of what is mounted.
        var relative = mount.Root != "/" && path.StartsWith(mount.Root, StringComparison.Ordinal) ? path[mount.Root.Length..] : path;
        relative = relative.Trim('/');
        if (relative.Contains("..", StringComparison.Ordinal) || !files.DirectoryExists($"{mount.Point}/{relative}"))
            relative = "";
        for (var depth = 0; depth < MaxDepth; depth++)
        {
            yield return relative.Length == 0 ? mount.Point : $"{mount.Point}/{relative}";
            if (relative.Length == 0)
                yield break;
            relative = relative.LastIndexOf('/') is var slash and > 0 ? relative[..slash] : "";
        }
    }

    private static List<Mount> Mounts(SystemFiles files)
    {
        var mounts = new List<Mount>();
        foreach (var line in files.Lines("proc/self/mountinfo"))
        {
            // "id parent device root point options [tags] - type source options"
            var halves = line.Split(" - ", 2);
            var left = halves[0].Split(' ');
            var right = halves.Length == 2 ? halves[1].Split(' ') : [];
            if (left.Length < 5 || right.Length < 3)
                continue;
            if (right[0] == "cgroup2")
                mounts.Add(new Mount(2, left[3], left[4], []));
            else if (right[0] == "cgroup")
                mounts.Add(new Mount(1, left[3], left[4], right[2].Split(',')));
        }
        return mounts;
    }

    private sealed record Mount(int Version, string Root, string Point, string[] Controllers);
}
